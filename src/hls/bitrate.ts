import { ownBytes } from '../media/carried.ts';
import type { SegmentRecord } from '../media/segment-record.ts';

const BITRATE = '#EXT-X-BITRATE:';
const LINE = /^#EXT-X-BITRATE:\d{1,15}$/;

/**
 * Whether a line is an EXT-X-BITRATE (rfc8216bis §4.4.4.8): the rate of every segment from it to the next one, in
 * kbit/s, but of none that has an EXT-X-BYTERANGE.
 */
export const isBitrate = (line: string): boolean => line.startsWith(BITRATE) && LINE.test(line);

/**
 * The lines of a segment without the EXT-X-BITRATE that is in force already. Where its encoder told no rate and one is
 * in force, its own is written: a rate that is told must be right within a tenth (§4.4.4.8).
 *
 * @param inForce the EXT-X-BITRATE line that stands before the segment in its list
 */
export function bitrateLines(
  record: SegmentRecord,
  inForce: string | undefined,
): { readonly lines: readonly string[]; readonly inForce: string | undefined } {
  const { tags = NO_LINES } = record;
  const told = tags.findLast(isBitrate);
  const right = told ?? (inForce === undefined || record.gap !== undefined ? undefined : measured(record));
  if (right === undefined) return { lines: tags, inForce };
  const others = tags.filter((tag) => !isBitrate(tag));
  return { lines: right === inForce ? others : [right, ...others], inForce: right };
}

const measured = (record: SegmentRecord): string =>
  `${BITRATE}${Math.max(1, Math.round((ownBytes(record).bytes * 8) / (record.duration * 1000)))}`;

const NO_LINES: readonly string[] = [];
