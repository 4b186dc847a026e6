import { type EpochMs, epochMs } from '../media/units.ts';
import { type Attribute, parseAttributes, renderAttributes } from './attributes.ts';
import { parseDateTime, renderDateTime } from './date-time.ts';

/** A DATERANGE that does not tell its end is held to be over after so long. */
const OPEN_FOR_MS = 3_600_000;

/** How an end is known. What is told of an end outweighs what was planned (rfc8216bis §4.4.5.1). */
const ENDS = ['open', 'planned', 'told'] as const;
type End = (typeof ENDS)[number];

/** An EXT-X-DATERANGE (RFC 8216 §4.3.2.7), when it begins and when it is over. */
export type DateRange = {
  readonly id: string;
  readonly line: string;
  readonly startsAt: number;
  readonly endsAt: number;
  readonly end: End;
  readonly attributes: ReadonlyMap<string, Attribute>;
};

/** Undefined where the line is none. */
export function parseDateRange(line: string): DateRange | undefined {
  if (!line.startsWith(DATE_RANGE)) return undefined;
  const attributes = parseAttributes(line.slice(DATE_RANGE.length));
  const id = attributes?.get('ID')?.value;
  const startsAt = parseDateTime(attributes?.get('START-DATE')?.value ?? '');
  if (id === undefined || startsAt === undefined) return undefined;
  const range = { id, line, startsAt, attributes: attributes! };
  const endDate = parseDateTime(attributes!.get('END-DATE')?.value ?? '');
  if (endDate !== undefined) return { ...range, endsAt: endDate, end: 'told' };
  const told = attributes!.get('DURATION');
  const lastingMs = Number((told ?? attributes!.get('PLANNED-DURATION'))?.value) * 1000;
  if (!(lastingMs >= 0)) return { ...range, endsAt: startsAt + OPEN_FOR_MS, end: 'open' };
  return { ...range, endsAt: startsAt + lastingMs, end: told === undefined ? 'planned' : 'told' };
}

const DATE_RANGE = '#EXT-X-DATERANGE:';

/**
 * The date ranges that a segment falls into or comes before, out of those that stood before it: a list that begins with
 * it must still show them (rfc8216bis §6.2.1). One with the ID of an earlier one stands beside it: together they
 * describe the range (§4.4.5.1).
 */
export const inForce = (ranges: readonly DateRange[], at: EpochMs): readonly DateRange[] => {
  const ends = endsOf(ranges);
  return ranges.filter(({ id }) => ends.get(id)!.endsAt > at);
};

/** What is known of each range's end, by its ID: of what is known equally well the latest. */
export function endsOf(ranges: readonly DateRange[]): ReadonlyMap<string, DateRange> {
  const ends = new Map<string, DateRange>();
  for (const range of ranges) {
    const known = ends.get(range.id);
    const outweighs = known === undefined || ENDS.indexOf(range.end) >= ENDS.indexOf(known.end);
    if (outweighs) ends.set(range.id, range);
  }
  return ends;
}

/** The range with its dates moved. */
export function movedBy(range: DateRange, ms: number, maxLength: number): DateRange {
  if (ms === 0) return range;
  const attributes = new Map(range.attributes);
  for (const name of ['START-DATE', 'END-DATE']) {
    const date = parseDateTime(attributes.get(name)?.value ?? '');
    if (date === undefined) continue;
    attributes.set(name, { value: renderDateTime(epochMs(date + ms)), quoted: true });
  }
  const line = DATE_RANGE + renderAttributes(attributes);
  // A date with milliseconds may be longer than it was written.
  if (line.length > maxLength) return range;
  return { ...range, line, attributes, startsAt: range.startsAt + ms, endsAt: range.endsAt + ms };
}
