import type { NeedingSegment } from '../../hls/segment-needs.ts';

/** In seconds. */
export const totalDuration = (entries: readonly NeedingSegment[]): number =>
  entries.reduce((sum, entry) => sum + entry.duration, 0);

/** The newest entries that last at most so long; at least one. */
export function newestLasting(entries: readonly NeedingSegment[], most: number): readonly NeedingSegment[] {
  let lasting = 0;
  let start = entries.length;
  while (start > 0 && (start === entries.length || lasting + entries[start - 1]!.duration <= most)) {
    start -= 1;
    lasting += entries[start]!.duration;
  }
  return entries.slice(start);
}
