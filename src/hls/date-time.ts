import { type EpochMs, epochMs } from '../media/units.ts';
import { standsAt } from './stands-at.ts';

/** ISO 8601 as EXT-X-PROGRAM-DATE-TIME has it (RFC 8216 §4.3.2.6). ffmpeg leaves out the colon of the zone. */
const DATE_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,12})?(?:Z|([+-]\d\d):?(\d\d))$/;

/** The moment a date-time names, to the millisecond; undefined when it names none. */
export function parseDateTime(text: string): EpochMs | undefined {
  const match = DATE_TIME.exec(text);
  if (match === null) return undefined;
  const [, local, fraction = '', hours, minutes] = match;
  const zone = hours === undefined ? 'Z' : `${hours}:${minutes}`;
  const moment = Date.parse(`${local}${fraction.slice(0, 4)}${zone}`);
  return Number.isNaN(moment) ? undefined : epochMs(moment);
}

const MINUTE_MS = 60_000;
/** `2026-11-23T07:36:` */
const MINUTE_LENGTH = 17;
/** `04.805` stands before it. */
const ZONE_AT = MINUTE_LENGTH + 6;
const DOT = 0x2e;
/** UTC with milliseconds, as encoders write it. */
const USUAL = /T(?!24)\d\d:\d\d:\d\d\.\d{3}(?:Z|\+00:?00)$/;

/** Reads date-times that follow each other: of those in one minute of UTC, to the millisecond, only the seconds are read. */
export class DateTimeReader {
  #begin = '';
  #minute = 0;
  #zone = '';

  /** The moment that stands in a text from `start` to `end`; undefined when there is none. */
  read(text: string, start: number, end: number): EpochMs | undefined {
    if (this.#begin !== '' && standsAt(text, this.#begin, start)) {
      const into = millisIn(text, start + MINUTE_LENGTH, start + ZONE_AT);
      const isZone =
        end - start - ZONE_AT === this.#zone.length && standsAt(text, this.#zone, start + ZONE_AT);
      if (into < MINUTE_MS && isZone) return epochMs(this.#minute + into);
    }
    const written = text.slice(start, end).trim();
    const moment = parseDateTime(written);
    if (moment !== undefined && moment >= 0 && USUAL.test(written)) {
      this.#begin = written.slice(0, MINUTE_LENGTH);
      this.#zone = written.slice(ZONE_AT);
      this.#minute = moment - (moment % MINUTE_MS);
    }
    return moment;
  }
}

const ZERO = 0x30;

/** `04.805` as milliseconds; NaN where anything else stands. */
function millisIn(text: string, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (at === start + 2) {
      if (code !== DOT) return Number.NaN;
    } else {
      const digit = code - ZERO;
      if (!(digit >= 0 && digit <= 9)) return Number.NaN;
      number = number * 10 + digit;
    }
  }
  return number;
}

/** A moment as EXT-X-PROGRAM-DATE-TIME: UTC, milliseconds, `Z`. */
export const renderDateTime = (moment: EpochMs): string => new Date(moment).toISOString();

/** Writes moments one after the other, and those of one minute with little work. */
export class DateTimeWriter {
  #minute = Number.NaN;
  #begin = '';

  write(moment: EpochMs): string {
    const into = ((moment % MINUTE_MS) + MINUTE_MS) % MINUTE_MS;
    if (moment - into !== this.#minute) {
      this.#begin = renderDateTime(moment).slice(0, -'ss.mmmZ'.length);
      this.#minute = moment - into;
    }
    const millis = String(100_000 + into);
    return `${this.#begin}${millis.slice(1, 3)}.${millis.slice(3)}Z`;
  }
}
