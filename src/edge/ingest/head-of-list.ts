import { isBitrate } from '../../hls/bitrate.ts';
import { parseDateRange } from '../../hls/date-ranges.ts';
import type { NeedingSegment } from '../../hls/segment-needs.ts';
import type { SegmentRecord } from '../../media/segment-record.ts';
import type { Rendition } from '../rendition.ts';
import { nameOf } from './segment-name.ts';

/** Of all these lines, in characters: they cross with every segment. */
const MAX_HEAD = 1_024;

/**
 * Comments and unknown tags of a playlist's head, where its run goes on. They stand before its first segment as that one's
 * own do; but a segment's lines never change (rfc8216bis §6.2.1). Where the first was taken in without them, from a
 * playlist in which it was not the first, they are the head's; what was once found to be is so while it stands there.
 *
 * @param entries of the playlist
 */
export function headOfList(entries: readonly NeedingSegment[], rendition: Rendition): readonly string[] {
  const { newest } = rendition.window;
  const first = entries[0];
  if (first === undefined || first.tags.length === 0 || newest === undefined) return NO_LINES;
  const own = linesTaken(first, rendition.window.find(rendition.numberOf(first.sequence)));
  const known = newest.ranges?.filter((line) => parseDateRange(line) === undefined) ?? NO_LINES;
  const isOfHead = (line: string) => (own === undefined ? known.includes(line) : !own.includes(line));
  const head = first.tags.filter((line) => !isBitrate(line) && isOfHead(line));
  return head.reduce((sum, { length }) => sum + length, 0) > MAX_HEAD ? NO_LINES : head;
}

/** The lines that a segment was taken in with; undefined where it was not, or not by its own entry. */
function linesTaken(first: NeedingSegment, record: SegmentRecord | undefined): readonly string[] | undefined {
  const isIt = record?.encoder.name === nameOf(first).slice(0, 1024) && record.gap !== 'source_skipped';
  return isIt ? (record.tags ?? NO_LINES) : undefined;
}

/** These entries with the lines of their playlist's head, which are nobody's own. */
export const withHeadOfList = (
  entries: readonly NeedingSegment[],
  head: readonly string[],
  first: NeedingSegment | undefined,
): readonly NeedingSegment[] =>
  head.length === 0
    ? entries
    : entries.map((entry) => ({
        ...entry,
        headOfList: head,
        tags: entry === first ? entry.tags.filter((line) => !head.includes(line)) : entry.tags,
      }));

const NO_LINES: readonly string[] = [];
