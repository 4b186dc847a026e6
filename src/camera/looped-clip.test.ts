import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  continuityCounter,
  hasPayload,
  type Packet,
  packetsOf,
  payloadAt,
  pcrAt,
  pidOf,
} from '../mpegts/packet.ts';
import { stampsOf } from '../mpegts/pes.ts';
import { readPcrBase, TICKS_WRAP, type Ticks, ticks, ticksBetween } from '../mpegts/ticks.ts';
import { TransportStreamCheck } from '../mpegts/transport-stream-check.ts';
import { loopClip } from './looped-clip.ts';

const clip = readFileSync(new URL('../../assets/test-camera.mpegts', import.meta.url));
const [VIDEO, SOUND] = [256, 257];
const FRAME_TICKS = 3_600;
const SOUND_FRAME_TICKS = 1_920;
const SEGMENTS_PER_LOOP = 4;

const play = (startTicks: number, from: number, until: number): Buffer => {
  const looped = loopClip(clip, startTicks);
  return Buffer.concat(Array.from({ length: until - from }, (_, index) => looped.segment(from + index)));
};

const packetsOn = (stream: Buffer, pid: number): Packet[] =>
  [...packetsOf(stream)].filter((packet) => pidOf(packet) === pid);

/** The PES packets of a PID: when, and their packets' payloads. */
function unitsOf(stream: Buffer, pid: number): { pts: Ticks; dts: Ticks; payload: Buffer }[] {
  const units: { pts: Ticks; dts: Ticks; parts: Uint8Array[] }[] = [];
  for (const packet of packetsOn(stream, pid)) {
    const stamps = stampsOf(packet);
    if (stamps !== undefined) units.push({ ...stamps, parts: [] });
    units.at(-1)!.parts.push(packet.subarray(payloadAt(packet)));
  }
  return units.map(({ parts, ...stamps }) => ({ ...stamps, payload: Buffer.concat(parts) }));
}

/** How many AAC frames (ADTS, ISO/IEC 13818-7 §6.2) a PES packet holds; they must fill it. */
function soundFramesIn(pes: Buffer): number {
  let frames = 0;
  let at = 9 + pes[8]!;
  for (; at < pes.length; frames++) {
    expect(pes.readUInt16BE(at) & 0xfff6).toBe(0xfff0);
    at += ((pes[at + 3]! & 0x03) << 11) | (pes[at + 4]! << 3) | (pes[at + 5]! >> 5);
  }
  expect(at).toBe(pes.length);
  return frames;
}

/** Where the timeline begins, and why. */
const timelines: readonly (readonly [string, number])[] = [
  ['from the clip’s own time', 0],
  ['over the wrap at 2^33, ten seconds on', TICKS_WRAP - 10 * 90_000],
  ['with the wrap right at the seam', TICKS_WRAP - 126_000 - 16 * 90_000],
];

test.each(timelines)('video and sound go on without a hole over four loops, %s', (_, startTicks) => {
  const stream = play(startTicks, 0, 4 * SEGMENTS_PER_LOOP);
  const begin = 126_000 + startTicks;

  const video = unitsOf(stream, VIDEO);
  expect(video).toHaveLength(4 * 200);
  expect(video.map((frame) => frame.dts)).toEqual(video.map((_, n) => ticks(begin + n * FRAME_TICKS)));
  expect(video.every((frame) => frame.pts === frame.dts)).toBe(true);

  let soundFrames = 0;
  for (const { pts, payload } of unitsOf(stream, SOUND)) {
    expect(pts).toBe(ticks(begin + soundFrames * SOUND_FRAME_TICKS));
    soundFrames += soundFramesIn(payload);
  }
  expect(soundFrames).toBe(4 * 375);
});

test.each(timelines)('the clock runs on, told each 100 ms and ahead of the frames, %s', (_, startTicks) => {
  let last: Ticks | undefined;
  for (const packet of packetsOn(play(startTicks, 0, 4 * SEGMENTS_PER_LOOP), VIDEO)) {
    const at = pcrAt(packet);
    if (at === undefined) continue;
    const pcr = readPcrBase(packet, at);
    const step = last === undefined ? FRAME_TICKS : ticksBetween(last, pcr);
    expect(step).toBeGreaterThan(0);
    expect(step).toBeLessThanOrEqual(9_000);
    expect(ticksBetween(pcr, stampsOf(packet)!.dts)).toBe(63_000);
    last = pcr;
  }
  expect(last).toBeDefined();
});

test('continuity counters go on over segments and loops, on every PID', () => {
  const counters = new Map<number, number>();
  for (const packet of packetsOf(play(0, 0, 9 * SEGMENTS_PER_LOOP))) {
    const pid = pidOf(packet);
    const last = counters.get(pid) ?? 15;
    expect(continuityCounter(packet)).toBe(hasPayload(packet) ? (last + 1) % 16 : last);
    counters.set(pid, continuityCounter(packet));
  }
  expect([...counters.keys()].sort((a, b) => a - b)).toEqual([0, VIDEO, SOUND, 0x1000]);
});

test('a segment is a function of its number: it does not matter what was asked before', () => {
  const long = loopClip(clip, 5);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), (index) => {
      expect(loopClip(clip, 5).segment(index).equals(long.segment(index))).toBe(true);
    }),
    { numRuns: 15 },
  );
});

test('after a year the stream still goes on where the segment before it ended', () => {
  const index = 365 * 43_200;
  const stream = play(0, index - 1, index + 1);
  const video = unitsOf(stream, VIDEO).map((frame) => frame.dts);
  expect(video[0]).toBe(ticks(126_000 + (index - 1) * 180_000));
  expect(video.slice(1).every((time, n) => ticksBetween(video[n]!, time) === FRAME_TICKS)).toBe(true);
});

test('every segment could be the first that a player gets', () => {
  const looped = loopClip(clip);
  for (let index = 0; index < 2 * SEGMENTS_PER_LOOP; index++) {
    const check = new TransportStreamCheck();
    check.push(looped.segment(index));
    expect(check.verdict()).toBe('ok');
    expect(unitsOf(looped.segment(index), VIDEO)).toHaveLength(50);
    expect(looped.startOf(index)).toBe(2 * index);
  }
});

test('the sound of a segment lies within a quarter of a second of its picture', () => {
  const looped = loopClip(clip);
  for (let index = 0; index < SEGMENTS_PER_LOOP; index++) {
    const begin = 126_000 + index * 180_000;
    const sound = unitsOf(looped.segment(index), SOUND);
    const last = sound.at(-1)!;
    const end = last.pts + soundFramesIn(last.payload) * SOUND_FRAME_TICKS;
    expect(Math.abs(sound[0]!.pts - begin)).toBeLessThan(22_500);
    expect(Math.abs(end - begin - 180_000)).toBeLessThan(22_500);
  }
});

test('a clip of one frame cannot be looped', () => {
  const frames = [...packetsOf(clip)];
  const second = frames.findIndex(
    (packet, n) => n > 3 && pidOf(packet) === VIDEO && stampsOf(packet) !== undefined,
  );
  expect(() => loopClip(clip.subarray(0, second * 188))).toThrow(/two frames/);
});
