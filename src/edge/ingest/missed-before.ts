import type { NeedingSegment } from '../../hls/segment-needs.ts';
import { type EpochMs, epochMs } from '../../media/units.ts';

/** What no playlist ever named, `back` numbers before an entry: as long as that, and that much earlier. */
export function missedBefore(entry: NeedingSegment, back: number): NeedingSegment {
  const { title: _, told: __, programDateTime, begins, ...rest } = entry;
  const earlier = (at: EpochMs) => epochMs(Math.round(at - back * entry.duration * 1000));
  return {
    ...rest,
    sequence: entry.sequence - back,
    discontinuity: false,
    tags: [],
    ...(programDateTime !== undefined && { programDateTime: earlier(programDateTime) }),
    ...(begins !== undefined && { begins: earlier(begins) }),
  };
}
