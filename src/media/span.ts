import type { SegmentRecord } from './segment-record.ts';
import type { EpochMs } from './units.ts';

/** `[from, until)` of a source, on control's clock; without `until` it goes on. */
export type Span = { readonly from: EpochMs; readonly until?: EpochMs | undefined };

/** Times of segments in a row are up to so far apart although nothing is missing: EXTINFs and clocks drift. */
export const DRIFT_MS = 1_000;

/** Whether there is no time in a span. It covers nothing. */
export const isEmpty = ({ from, until }: Span): boolean => until !== undefined && until <= from;

/** When a segment ends: a millisecond after it begins at the earliest, so that it has a part that a span can cover. */
export const endOf = (record: Pick<SegmentRecord, 'at' | 'duration'>): EpochMs =>
  (record.at + Math.max(1, Math.round(record.duration * 1000))) as EpochMs;

/** Whether a segment belongs to a span: any part of it does. The same on the edge, in the catalog and in retention. */
export const covers = (span: Span, record: Pick<SegmentRecord, 'at' | 'duration'>): boolean =>
  !isEmpty(span) && endOf(record) > span.from && (span.until === undefined || record.at < span.until);

/** Whether any of the spans covers a segment. */
export const coveredBy = (spans: readonly Span[], record: Pick<SegmentRecord, 'at' | 'duration'>): boolean =>
  spans.some((span) => covers(span, record));

/** The same time as `spans` together, in as few spans as it takes, ascending. Empty ones are left out. */
export function unionOf(spans: readonly Span[]): readonly Span[] {
  const ascending = spans
    .filter((span) => !isEmpty(span))
    .map(({ from, until }): Span => (until === undefined ? { from } : { from, until }))
    .sort((a, b) => a.from - b.from);
  const union: Span[] = [];
  for (const span of ascending) {
    const last = union.at(-1);
    if (last === undefined || (last.until !== undefined && last.until < span.from)) union.push(span);
    else if (last.until !== undefined && (span.until === undefined || span.until > last.until)) {
      union[union.length - 1] =
        span.until === undefined ? { from: last.from } : { ...last, until: span.until };
    }
  }
  return union;
}
