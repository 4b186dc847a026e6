import type { CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import type { GapReason, SegmentRecord } from '../../media/segment-record.ts';
import { DRIFT_MS, endOf } from '../../media/span.ts';
import { type EpochMs, epochMs } from '../../media/units.ts';

/**
 * Why time of a recording has no media, besides what the edge says of a segment:
 * - `source_silent`: the encoder made nothing. The only one that leaves a recording complete.
 * - `beyond_spool`: the edge did not reach back so far when it was asked.
 * - `spool_lost`: the edge came back with another spool.
 * - `edge_restarted`: the edge lost power; what it had not been asked to keep safe by then is gone.
 * - `edge_lost`: the edge did not come back in time.
 * - `source_refused`: the encoder sent media, and the edge could take in nothing of it.
 */
export type RecordingGapReason =
  | GapReason
  | 'source_silent'
  | 'beyond_spool'
  | 'spool_lost'
  | 'edge_restarted'
  | 'edge_lost'
  | 'source_refused';

export type RecordingGap = {
  readonly from: EpochMs;
  readonly until: EpochMs;
  readonly reason: RecordingGapReason;
};

/**
 * The gaps of a recording of several renditions: what any of them lost, and the time in which none of them was made.
 * @param ofEach the gaps of each
 */
export function joinedGaps(ofEach: readonly (readonly RecordingGap[])[]): readonly RecordingGap[] {
  const [first = [], ...rest] = ofEach;
  if (rest.length === 0) return first;
  const silent = (gaps: readonly RecordingGap[]) => gaps.filter(({ reason }) => reason === 'source_silent');
  const silence = rest.reduce((all, gaps) => meeting(all, silent(gaps)), silent(first));
  const lost = ofEach.flatMap((gaps) => gaps.filter(({ reason }) => reason !== 'source_silent'));
  const joined: RecordingGap[] = [];
  for (const gap of [...lost, ...silence].sort((a, b) => a.from - b.from || a.until - b.until)) {
    const last = joined.at(-1);
    const from = epochMs(Math.max(gap.from, last?.until ?? gap.from));
    if (from >= gap.until) continue;
    if (last?.reason === gap.reason && last.until === from)
      joined[joined.length - 1] = { ...last, until: gap.until };
    else joined.push({ ...gap, from });
  }
  return joined;
}

/** The time that lies in both. */
const meeting = (some: readonly RecordingGap[], others: readonly RecordingGap[]): readonly RecordingGap[] =>
  some.flatMap((one) =>
    others
      .map((other) => ({
        ...one,
        from: epochMs(Math.max(one.from, other.from)),
        until: epochMs(Math.min(one.until, other.until)),
      }))
      .filter(({ from, until }) => from < until),
  );

/** Whether something that was announced, or asked for, is not kept. */
export const lacksMedia = (gaps: readonly RecordingGap[]): boolean =>
  gaps.some(({ reason }) => reason !== 'source_silent');

/**
 * The time of a recording, as far as it is settled, that has no media. Such a gap may still heal while the
 * recording has not ended.
 *
 * @param segments those of one rendition that the recording's span covers, by number
 * @param others the same of its other renditions: numbers that they have were not lost with an edge's power
 */
export function gapsOf(
  recording: CatalogRecording,
  segments: readonly CatalogSegment[],
  others: readonly (readonly CatalogSegment[])[] = [],
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
    const refusedFrom = Math.max(from, lost, Math.min(recording.createdAt - DRIFT_MS, known));
    const refused = Math.min(known, recording.refusedUntil ?? 0);
    state(Math.max(from, lost), refused > refusedFrom ? refusedFrom : known, otherwise);
    if (refused > refusedFrom) {
      state(refusedFrom, refused, 'source_refused');
      state(refused, known, otherwise);
    }
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
      const jumped = before !== undefined || opensList(record);
      const isAfterJump = jumped && !haveBetween(others, before?.record.sequence ?? 0, record.sequence);
      hole(reached, record.at, isAfterJump ? 'edge_restarted' : 'source_silent');
    }
    if (record.gap !== undefined) state(record.at, endOf(record), record.gap);
    reached = Math.max(reached, endOf(record));
    before = segment;
  }
  hole(reached, isGivenUp ? (recording.until ?? settled) : settled, 'source_silent');
  return gaps;
}

const haveBetween = (
  others: readonly (readonly CatalogSegment[])[],
  after: number,
  before: number,
): boolean =>
  others.some((rows) => rows.some(({ record: { sequence } }) => sequence > after && sequence < before));

/** Whether its number does not follow the one before it, which the recording does not have. The first of a source follows nothing. */
const opensList = ({ discontinuity, listFrom, sequence }: SegmentRecord): boolean =>
  discontinuity && listFrom === sequence;
