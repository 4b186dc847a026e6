import type { SegmentRecord } from '../media/segment-record.ts';
import type { Seconds } from '../media/units.ts';
import { renderDateTime } from './date-time.ts';

/**
 * A live media playlist (RFC 8216 §4.3.3): a pure function of its records, so every node prints the same bytes.
 * It is open at its end and slides, so it has neither EXT-X-PLAYLIST-TYPE nor EXT-X-ENDLIST (§6.2.2), and it
 * does not claim independent segments, which nobody has checked.
 *
 * @param list what it lists, in order and without a hole; at least one, as players give up on an empty list
 * @param uriOf where a record's bytes are, relative to the playlist
 */
export function renderMediaPlaylist(
  list: readonly SegmentRecord[],
  uriOf: (record: SegmentRecord) => string,
): string {
  const first = list[0];
  const last = list.at(-1);
  if (first === undefined || last === undefined) {
    throw new TypeError('a live playlist lists at least one segment');
  }
  let text = `#EXTM3U
#EXT-X-VERSION:${minimumVersion(list)}
#EXT-X-TARGETDURATION:${last.targetDuration}
#EXT-X-MEDIA-SEQUENCE:${first.sequence}
#EXT-X-DISCONTINUITY-SEQUENCE:${discontinuitiesBefore(first)}
`;
  for (const record of list) text += renderSegment(record, uriOf(record));
  return text;
}

/** What a recording's playlist has besides its segments. */
export type RecordingHead = {
  /** Seconds into the first segment at which the recording begins. */
  readonly startOffset: Seconds;
  readonly targetDuration: number;
};

/**
 * The head of a recording's playlist. It is an EVENT from its beginning to its end (RFC 8216 §4.3.3.5: nothing but
 * appending), and says where to begin, as players begin an open list at its end otherwise (§4.3.5.2). The version
 * does not change when a gap comes, so it is the one that EXT-X-GAP asks for.
 */
export const renderRecordingHead = ({ startOffset, targetDuration }: RecordingHead): string => `#EXTM3U
#EXT-X-VERSION:8
#EXT-X-TARGETDURATION:${targetDuration}
#EXT-X-PLAYLIST-TYPE:EVENT
#EXT-X-START:TIME-OFFSET=${startOffset.toFixed(3)},PRECISE=YES
#EXT-X-MEDIA-SEQUENCE:0
`;

/** One segment of a recording's playlist. `breaks`: it does not follow what stands before it. */
export const renderRecorded = (record: SegmentRecord, breaks: boolean, uri: string): string =>
  renderSegment({ ...record, discontinuity: breaks }, uri);

/** Nothing comes any more (RFC 8216 §4.3.3.4). */
export const RECORDING_END = '#EXT-X-ENDLIST\n';

function renderSegment(record: SegmentRecord, uri: string): string {
  const discontinuity = record.discontinuity ? '#EXT-X-DISCONTINUITY\n' : '';
  const gap = record.gap === undefined ? '' : '#EXT-X-GAP\n';
  return `${discontinuity}#EXT-X-PROGRAM-DATE-TIME:${renderDateTime(record.at)}
${gap}#EXTINF:${renderDuration(record.duration)},
${uri}
`;
}

/** 3 for EXTINFs with decimals (RFC 8216 §7), 8 for EXT-X-GAP; no higher than needed (rfc8216bis §6.2.1). */
const minimumVersion = (list: readonly SegmentRecord[]): number =>
  list.some((record) => record.gap !== undefined) ? 8 : 3;

/** The tags that have left the list: a record counts its own, the playlist's number does not (RFC 8216 §4.3.3.3). */
const discontinuitiesBefore = (first: SegmentRecord): number =>
  first.discontinuitySequence - (first.discontinuity ? 1 : 0);

const MICRO = 1e6;

/** Seconds with microseconds. Never such that it rounds above the target duration when the duration itself does not. */
export function renderDuration(duration: Seconds): string {
  const text = duration.toFixed(6);
  const roundsUp = Math.round(Number(text)) > Math.round(duration);
  return roundsUp ? (Math.floor(duration * MICRO) / MICRO).toFixed(6) : text;
}
