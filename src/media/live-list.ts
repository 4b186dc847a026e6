import type { SegmentRecord } from './segment-record.ts';
import type { Seconds } from './units.ts';

/** A list holds at least three target durations (RFC 8216 §6.2.2). */
export const MIN_TARGET_DURATIONS = 3;

export const totalDuration = (records: readonly SegmentRecord[]): Seconds =>
  records.reduce((sum, record) => sum + record.duration, 0) as Seconds;

/** Floating-point sums of EXTINFs fall short by parts of a microsecond. */
const EPSILON = 1e-6;

/** Whether the records last three target durations: enough for a player to begin. */
export function lastsEnough(records: readonly SegmentRecord[]): boolean {
  const last = records.at(-1);
  return last !== undefined && totalDuration(records) + EPSILON >= MIN_TARGET_DURATIONS * last.targetDuration;
}

/**
 * The records a live playlist lists: the newest of `records` (ascending, each available or a gap) that stand
 * in one stretch without a hole, at least `minSegments` and three target durations of them as far as there are.
 * A stretch that does not last three target durations yet waits while an older one can be shown
 * (RFC 8216 §6.2.2: a list never shrinks below them).
 */
export function liveList(records: readonly SegmentRecord[], minSegments: number): readonly SegmentRecord[] {
  const chosen = stretchToShow(records);
  if (chosen.length === 0) return chosen;
  const opens = chosen[0]!.sequence === chosen[0]!.listFrom;
  const last = chosen.at(-1)!;
  // Viewers must see the tag that opens a stretch: it stays for two target durations more.
  const young = totalDuration(chosen) <= (MIN_TARGET_DURATIONS + 2) * last.targetDuration + EPSILON;
  return opens && young ? chosen : shortestSuffix(chosen, minSegments);
}

/** The tail: the shortest suffix that lasts three target durations, or all there is. What a stretch opens with. */
export const tailOf = (records: readonly SegmentRecord[]): readonly SegmentRecord[] =>
  shortestSuffix(records, 1);

/** The newest stretch that lasts long enough; where none does, the one that was there first. */
function stretchToShow(records: readonly SegmentRecord[]): readonly SegmentRecord[] {
  let end = records.length;
  let stretch = newestStretch(records, end);
  while (end > stretch.length && !lastsEnough(stretch)) {
    end -= stretch.length;
    stretch = newestStretch(records, end);
  }
  return stretch;
}

function newestStretch(records: readonly SegmentRecord[], end: number): readonly SegmentRecord[] {
  const last = records[end - 1];
  if (last === undefined) return [];
  let start = end - 1;
  for (; start > 0; start--) {
    const previous = records[start - 1]!;
    const joined = previous.sequence + 1 === records[start]!.sequence && previous.sequence >= last.listFrom;
    if (!joined) break;
  }
  return records.slice(start, end);
}

/** The newest records that last three target durations and are at least `minSegments`, or all there are. */
export function shortestSuffix(
  records: readonly SegmentRecord[],
  minSegments: number,
): readonly SegmentRecord[] {
  const last = records.at(-1);
  if (last === undefined) return records;
  const enough = MIN_TARGET_DURATIONS * last.targetDuration - EPSILON;
  let sum = 0;
  for (let start = records.length - 1; start >= 0; start--) {
    sum += records[start]!.duration;
    if (sum >= enough && records.length - start >= minSegments) return records.slice(start);
  }
  return records;
}
