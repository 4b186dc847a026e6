import type { SegmentRecord } from '../media/segment-record.ts';
import type { EpochMs } from '../media/units.ts';
import { type DateRange, endsOf, inForce, movedBy, parseDateRange } from './date-ranges.ts';

/** Lines of one segment that are passed on, in characters: a record crosses and lies on disk with each segment. */
export const MAX_PASSED = 4_096;
/** Date ranges that are not over; they are in every segment's record. */
export const MAX_RANGES = 64;

/** What a playlist says of date ranges up to one of its segments. */
export type SaidRanges = {
  /** The EXT-X-DATERANGE lines that are not over, and all with an ID of `told`; where no date-time stands, all. */
  readonly ranges?: readonly string[];
  /** Those of them that stand before this segment, and did not before an earlier one. */
  readonly told?: ReadonlySet<string>;
  /** When it begins, as its encoder counts; absent where no date-time says so, or there are no date ranges. */
  readonly begins?: EpochMs;
};

/**
 * The EXT-X-DATERANGE lines that a list beginning with a segment must show. A range whose end is known stays until it is
 * over (rfc8216bis §6.2.1), also where its encoder lists it no longer; one without an end as long as its encoder lists
 * it. That a range is over is told with the segment before which it was said.
 *
 * The dates of a range are its encoder's. Where the segment with which it came first begins at another time here, it is
 * moved with it, and stays there.
 *
 * @param tags the segment's other lines. Where all are too long together, what the encoder lists no longer is left out,
 *   the oldest first
 * @param before the segment before
 * @param at when the segment begins here
 */
export function lastingRanges(
  { ranges: said = NO_LINES, told, begins, tags }: SaidRanges & { readonly tags: readonly string[] },
  before: Pick<SegmentRecord, 'at' | 'ranges'> | undefined,
  at: EpochMs,
): readonly string[] {
  const { ranges: shownBefore = NO_LINES } = before ?? {};
  if (said.length === 0 && shownBefore.length === 0) return NO_LINES;
  const known = parsed(shownBefore);
  const lasting = before === undefined ? [] : inForce(known, before.at);
  const lasted = new Set(linesOf(lasting));
  const offset = begins === undefined ? 0 : Math.round(at - begins);
  const all = parsed(said).map((range) => ({
    ...movedBy(range, moveOf(range, known, offset), MAX_PASSED),
    isTold: told?.has(range.line) ?? false,
  }));
  const saidEnds = endsOf(all);
  const own = all.filter(({ id, line, isTold }) => {
    if (lasted.has(line)) return true;
    return !shownBefore.includes(line) && (isTold || saidEnds.get(id)!.endsAt > at);
  });
  const listed = new Set(linesOf(own));
  const carried = lasting.filter(({ line }) => !listed.has(line));
  const ends = endsOf([...carried, ...own]);
  const lasts = ({ id }: DateRange) => ends.get(id)!.endsAt > at;
  const left = carried.filter((range) => lasts(range) && ends.get(range.id)!.end !== 'open');
  const news = new Set(own.filter(({ isTold }) => isTold).map(({ id }) => id));
  const kept = linesOf(own.filter((range) => lasts(range) || news.has(range.id)));
  return newestThatFit(linesOf(left), kept, MAX_PASSED - lengthOf(tags));
}

/** As far as it was moved before, so that it keeps its START-DATE; an ID that is used anew is another range. */
function moveOf({ id, startsAt }: DateRange, known: readonly DateRange[], offset: number): number {
  const moves = known.filter((one) => one.id === id).map((one) => one.startsAt - startsAt);
  const nearest = moves.toSorted((a, b) => Math.abs(a - offset) - Math.abs(b - offset))[0] ?? offset;
  return Math.abs(nearest - offset) <= SAME_WITHIN_MS ? nearest : offset;
}

/** What an encoder's clock may be set by while one of its ranges lasts. */
const SAME_WITHIN_MS = 30_000;

/** `kept`, and before it the newest of `others`, as far as there is room, in characters. */
export function newestThatFit(
  others: readonly string[],
  kept: readonly string[],
  room: number,
): readonly string[] {
  let left = room - lengthOf(kept);
  let from = others.length;
  while (from > 0 && others.length - from + kept.length < MAX_RANGES) {
    left -= others[from - 1]!.length;
    if (left < 0) break;
    from -= 1;
  }
  return from === others.length ? kept : [...others.slice(from), ...kept];
}

export const lengthOf = (lines: readonly string[]): number =>
  lines.reduce((sum, { length }) => sum + length, 0);

const parsed = (lines: readonly string[]): readonly DateRange[] =>
  lines.map(parseDateRange).filter((range) => range !== undefined);

const linesOf = (ranges: readonly DateRange[]): readonly string[] => [
  ...new Set(ranges.map(({ line }) => line)),
];

const NO_LINES: readonly string[] = [];
