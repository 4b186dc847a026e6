import { type Seconds, seconds } from '../media/units.ts';
import { continueCounters, countPayloads, type PayloadCounts } from '../mpegts/continue-counters.ts';
import { packetsOf, pidOf } from '../mpegts/packet.ts';
import { stampsOf } from '../mpegts/pes.ts';
import { shiftTime } from '../mpegts/shift-time.ts';
import { splitAtKeyframes } from '../mpegts/split-at-keyframes.ts';
import { TICKS_PER_SECOND, type Ticks, ticksBetween } from '../mpegts/ticks.ts';

/** A clip played for ever as one stream without a seam, in segments 0, 1, 2 … */
export type LoopedClip = {
  /** The bytes of a segment: the same for the same clip, index and start. */
  segment(index: number): Buffer;
  /** When a segment begins, counted from segment 0. */
  startOf(index: number): Seconds;
};

/**
 * Loops a clip whose video begins with a keyframe and has frames of even length. Its sound must last exactly as long
 * as its video: the stream goes on after the clip's last frame with its first. `startTicks` (90 kHz) is added to all times.
 */
export function loopClip(clip: Uint8Array, startTicks = 0): LoopedClip {
  const { videoPid, segments } = splitAtKeyframes(clip);
  const frames = segments.map((segment) => frameTimes(segment, videoPid));
  const starts = frames.map((times) => ticksBetween(frames[0]![0]!, times[0]!));
  const loopTicks = lengthOf(frames.flat());
  const { before, whole } = countBefore(segments);

  const place = (index: number) => ({
    loop: Math.floor(index / segments.length),
    within: index % segments.length,
  });
  return {
    segment(index) {
      const { loop, within } = place(index);
      const had = new Map(
        [...whole].map(([pid, count]) => [pid, loop * count + (before[within]!.get(pid) ?? 0)]),
      );
      return shiftTime(continueCounters(segments[within]!, had), startTicks + loop * loopTicks);
    },
    startOf(index) {
      const { loop, within } = place(index);
      return seconds((loop * loopTicks + starts[within]!) / TICKS_PER_SECOND);
    },
  };
}

/** When the frames are decoded, in the order of the stream. */
function frameTimes(segment: Uint8Array, videoPid: number): readonly Ticks[] {
  const times: Ticks[] = [];
  for (const packet of packetsOf(segment)) {
    const stamps = pidOf(packet) === videoPid ? stampsOf(packet) : undefined;
    if (stamps !== undefined) times.push(stamps.dts);
  }
  return times;
}

/** From the first frame to the end of the last, which lasts as long as the one before it. */
function lengthOf(times: readonly Ticks[]): number {
  const [first, last, previous] = [times[0], times.at(-1), times.at(-2)];
  if (first === undefined || last === undefined || previous === undefined) {
    throw new RangeError('a clip needs two frames or more');
  }
  return ticksBetween(first, last) + ticksBetween(previous, last);
}

/** The payloads of each PID before each segment of the loop, and in the whole of it. */
function countBefore(segments: readonly Uint8Array[]): {
  before: readonly PayloadCounts[];
  whole: PayloadCounts;
} {
  const before: PayloadCounts[] = [];
  const whole = new Map<number, number>();
  for (const segment of segments) {
    before.push(new Map(whole));
    for (const [pid, count] of countPayloads(segment)) whole.set(pid, (whole.get(pid) ?? 0) + count);
  }
  return { before, whole };
}
