import type { CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import type { GapReason, SegmentRecord } from '../../media/segment-record.ts';
import { endOf } from '../../media/span.ts';
import { type EpochMs, epochMs } from '../../media/units.ts';

/**
 * Why time of a recording has no media, besides what the edge says of a segment:
 * - `source_silent`: the encoder made nothing. The only one that leaves a recording complete.
 * - `beyond_spool`: the edge did not reach back so far when it was asked.
 * - `spool_lost`: the edge came back with another spool.
 * - `edge_restarted`: the edge lost power; what it had not been asked to keep safe by then is gone.
 * - `edge_lost`: the edge did not come back in time.
 */
export type RecordingGapReason =
  | GapReason
  | 'source_silent'
  | 'beyond_spool'
  | 'spool_lost'
  | 'edge_restarted'
  | 'edge_lost';

export type RecordingGap = {
  readonly from: EpochMs;
  readonly until: EpochMs;
  readonly reason: RecordingGapReason;
};

/** Times of segments in a row are up to so far apart although nothing is missing: EXTINFs and clocks drift. */
const DRIFT_MS = 1_000;

/** Whether something that was announced, or asked for, is not kept. */
export const lacksMedia = (gaps: readonly RecordingGap[]): boolean =>
  gaps.some(({ reason }) => reason !== 'source_silent');

/**
 * The time of a recording, as far as it is settled, that has no media. Such a gap may still heal while the
 * recording has not ended.
 *
 * @param segments those of one rendition that the recording's span covers, by number
 */
export function gapsOf(
  recording: CatalogRecording,
  segments: readonly CatalogSegment[],
): readonly RecordingGap[] {
  const settled = Math.min(recording.settledUntil, recording.until ?? Number.POSITIVE_INFINITY);
  const isGivenUp = recording.ended === 'edge_lost';
  const gaps: RecordingGap[] = [];
  const state = (from: number, until: number, reason: RecordingGapReason) => {
    const last = gaps.at(-1);
    // Segments may overlap by half a second; gaps do not.
    const inside = {
      from: epochMs(Math.max(from, last?.until ?? recording.from, recording.from)),
      until: epochMs(Math.min(until, recording.until ?? until)),
    };
    if (inside.until <= inside.from) return;
    if (last?.reason === reason && last.until === inside.from)
      gaps[gaps.length - 1] = { ...last, until: inside.until };
    else gaps.push({ ...inside, reason });
  };
  /** A hole between media: what lies before `lostBefore` may have existed; what is not settled is given up, or to come. */
  const hole = (from: number, until: number, otherwise: RecordingGapReason) => {
    const known = Math.min(until, settled);
    const lost = Math.min(known, recording.lostBefore ?? 0);
    if (lost > from) state(from, lost, recording.lostReason);
    state(Math.max(from, lost), known, otherwise);
    if (isGivenUp) state(Math.max(from, known), until, 'edge_lost');
  };

  let reached: number = recording.from;
  let before: CatalogSegment | undefined;
  for (const segment of segments) {
    const { record } = segment;
    const follows = before !== undefined && before.record.sequence + 1 === record.sequence;
    if (follows) {
      if (record.at - reached > DRIFT_MS) state(reached, record.at, 'source_silent');
    } else if (record.at > reached) {
      const isAfterJump = before !== undefined || opensList(record);
      hole(reached, record.at, isAfterJump ? 'edge_restarted' : 'source_silent');
    }
    if (record.gap !== undefined) state(record.at, endOf(record), record.gap);
    reached = Math.max(reached, endOf(record));
    before = segment;
  }
  hole(reached, isGivenUp ? (recording.until ?? settled) : settled, 'source_silent');
  return gaps;
}

/** Whether its number does not follow the one before it, which the recording does not have. The first of a source follows nothing. */
const opensList = ({ discontinuity, listFrom, sequence }: SegmentRecord): boolean =>
  discontinuity && listFrom === sequence;
