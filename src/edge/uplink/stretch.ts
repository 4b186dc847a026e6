import { liveList, shortestSuffix, tailOf, totalDuration } from '../../media/live-list.ts';
import { roundedDuration, type SegmentRecord } from '../../media/segment-record.ts';
import type { Stretch } from '../spool/stretch-part.ts';

/** The record as control publishes it: part of a stretch, whose first segment carries EXT-X-DISCONTINUITY. */
export const publish = (record: SegmentRecord, stretch: Stretch): SegmentRecord => ({
  ...record,
  discontinuity: record.discontinuity || record.sequence === stretch.first,
  discontinuitySequence: record.discontinuitySequence + stretch.ordinal,
  targetDuration: stretch.targetDuration,
  listFrom: stretch.from,
});

/** All of a stretch, as control publishes it. */
export const publishedOf = (records: readonly SegmentRecord[], stretch: Stretch): readonly SegmentRecord[] =>
  records
    .filter(({ sequence }) => sequence >= stretch.from && sequence <= (stretch.through ?? sequence))
    .map((record) => publish(record, stretch));

/**
 * What control must list, since it may have been restarted, and what is new: as much as viewers were shown, the tag included
 * that opens a young stretch.
 */
export function listedAndNew(
  records: readonly SegmentRecord[],
  stretch: Stretch,
  through: number,
  liveSegments: number,
): readonly SegmentRecord[] {
  const published = publishedOf(records, stretch);
  const listed = liveList(
    published.filter(({ sequence }) => sequence <= through),
    liveSegments,
  );
  const from = listed[0]?.sequence ?? through + 1;
  return published.filter(({ sequence }) => sequence >= from);
}

/** The least target duration that the segments of a stretch allow. */
export const neededTargetDuration = (records: readonly SegmentRecord[], stretch: Stretch): number =>
  Math.max(
    1,
    ...records
      .filter(({ sequence, gap }) => sequence >= stretch.from && gap === undefined)
      .map(roundedDuration),
  );

/** What to do next so that viewers get the newest, and never a list that skips something. */
export type StretchPlan =
  /** Nothing is unpublished. */
  | { readonly kind: 'rest' }
  /** The open stretch goes on with all that is unpublished. */
  | { readonly kind: 'continue' }
  /** What lies before `first` is left out; a stretch opens there. */
  | { readonly kind: 'open'; readonly first: SegmentRecord; readonly skipped: number };

/**
 * Whether the open stretch goes on or a new one begins with the tail. It goes on while no more is unpublished
 * than a player can take without losing touch: one tail after a pause of forwarding, two while it runs. A new
 * stretch takes only numbers that were never published, so that no segment ever changes its discontinuity.
 *
 * @param records the window, from the source's floor on, with the target duration that they are listed with
 * @param through the newest published number
 * @param liveSegments how many segments a list of control's holds at least: more at once would leave a hole for viewers
 */
export function planStretch(
  records: readonly SegmentRecord[],
  stretch: Pick<Stretch, 'from'> | undefined,
  through: number,
  paused: boolean,
  liveSegments: number,
): StretchPlan {
  // A stretch that was opened and got nowhere goes on where it began: its numbers may have been announced.
  const from = Math.max(through + 1, stretch?.from ?? 0);
  const unpublished = lastContiguous(records.filter((record) => record.sequence >= from));
  if (unpublished.length === 0) return { kind: 'rest' };
  const tail = tailOf(unpublished);
  const fits = unpublished.length <= shortestSuffix(unpublished, liveSegments).length;
  const allowed = totalDuration(tail) * (paused ? 1 : 2);
  const goesOn = stretch !== undefined && unpublished[0]!.sequence === from;
  if (goesOn && fits && totalDuration(unpublished) <= allowed) return { kind: 'continue' };
  const first = tail.find((record) => record.gap === undefined);
  if (first === undefined) return { kind: 'rest' };
  return {
    kind: 'open',
    first,
    skipped: records.filter((r) => r.sequence > through && r.sequence < first.sequence).length,
  };
}

/** The newest records that stand in one list: without a jump in their numbers. */
function lastContiguous(records: readonly SegmentRecord[]): readonly SegmentRecord[] {
  let start = records.length - 1;
  while (start > 0 && records[start - 1]!.sequence + 1 === records[start]!.sequence) start -= 1;
  return records.slice(Math.max(start, 0));
}

/**
 * The target duration of a stretch that opens now: the longest segment of the newest minute, rounded, and at
 * least what the encoder says itself. One for all renditions (rfc8216bis §6.2.4).
 */
export const chooseTargetDuration = (renditions: readonly (readonly SegmentRecord[])[]): number =>
  Math.max(1, ...renditions.map(longestOf));

function longestOf(records: readonly SegmentRecord[]): number {
  const newest = records.at(-1);
  if (newest === undefined) return 1;
  const minuteAgo = newest.at - 60_000;
  const media = records.filter((record) => record.at >= minuteAgo && record.gap === undefined);
  return Math.max(Math.min(newest.encoder.targetDuration, 60), ...media.map(roundedDuration));
}
