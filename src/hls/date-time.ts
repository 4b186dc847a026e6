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

/** A moment as EXT-X-PROGRAM-DATE-TIME: UTC, milliseconds, `Z`. */
export const renderDateTime = (moment: EpochMs): string => new Date(moment).toISOString();
