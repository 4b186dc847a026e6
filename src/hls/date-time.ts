import { type EpochMs, epochMs } from '../media/units.ts';

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
/** `04.805` */
const SECONDS_LENGTH = 6;
const DOT = 0x2e;
/** UTC with milliseconds, as encoders write it. */
const USUAL = /T(?!24)\d\d:\d\d:\d\d\.\d{3}(?:Z|\+00:?00)$/;

/** Reads date-times that follow each other: of those in one minute of UTC, to the millisecond, only the seconds are read. */
export class DateTimeReader {
  #begin: string | undefined;
  #minute = 0;
  #zone = '';

  /** @param before what stands before each */
  constructor(private readonly before = '') {}

  /** What `read` says of a moment in the minute of the one before; undefined also where there is none. */
  again(text: string, start: number, end: number): EpochMs | undefined {
    const seconds = start + this.before.length + MINUTE_LENGTH;
    if (text.slice(start, seconds) !== this.#begin) return undefined;
    const into = millisIn(text, seconds, seconds + SECONDS_LENGTH);
    const isRead = into < MINUTE_MS && text.slice(seconds + SECONDS_LENGTH, end) === this.#zone;
    return isRead ? epochMs(this.#minute + into) : undefined;
  }

  /** The moment that stands behind what stands before it, in a text from `start` to `end`; undefined when there is none. */
  read(text: string, start: number, end: number): EpochMs | undefined {
    const written = text.slice(start + this.before.length, end).trim();
    const moment = parseDateTime(written);
    if (moment !== undefined && moment >= 0 && USUAL.test(written)) {
      this.#begin = this.before + written.slice(0, MINUTE_LENGTH);
      this.#minute = moment - (moment % MINUTE_MS);
      this.#zone = written.slice(MINUTE_LENGTH + SECONDS_LENGTH);
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

const padded = (length: number, digits: number): readonly string[] =>
  Array.from({ length }, (_, number) => String(number).padStart(digits, '0'));
const SECONDS = padded(60, 2);
const MILLIS = padded(1_000, 3);

/** Writes moments one after the other, and those of one minute with little work. */
export class DateTimeWriter {
  #minute = Number.NaN;
  #begin = '';

  /** @param before what is written before each */
  constructor(private readonly before = '') {}

  write(moment: EpochMs): string {
    const into = ((moment % MINUTE_MS) + MINUTE_MS) % MINUTE_MS;
    if (moment - into !== this.#minute) {
      this.#begin = this.before + renderDateTime(moment).slice(0, -'ss.mmmZ'.length);
      this.#minute = moment - into;
    }
    const millis = into % 1_000;
    return `${this.#begin}${`${SECONDS[(into - millis) / 1_000]}.${MILLIS[millis]}Z`}`;
  }
}
