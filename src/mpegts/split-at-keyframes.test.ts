import { expect, test } from 'vitest';
import { isRandomAccess, packetsOf, pidOf, startsUnit } from './packet.ts';
import { packetOf, patOf, pmtOn, testClip } from './packet-for-test.ts';
import { splitAtKeyframes } from './split-at-keyframes.ts';

test('each segment begins with PAT, PMT and a keyframe, and has no other table', () => {
  const { videoPid, segments } = splitAtKeyframes(testClip);
  expect(segments).toHaveLength(4);
  for (const segment of segments) {
    const packets = [...packetsOf(segment)];
    expect(packets.slice(0, 3).map(pidOf)).toEqual([0, 0x1000, videoPid]);
    expect(startsUnit(packets[2]!) && isRandomAccess(packets[2]!)).toBe(true);
    expect(new Set(packets.slice(2).map(pidOf))).toEqual(new Set([256, 257]));
  }
});

test('no packet of video or sound is lost', () => {
  const media = (stream: Uint8Array) =>
    [...packetsOf(stream)].filter((packet) => [256, 257].includes(pidOf(packet)));
  const { segments } = splitAtKeyframes(testClip);
  expect(Buffer.concat(segments.flatMap(media)).equals(Buffer.concat(media(testClip)))).toBe(true);
});

test('what precedes the first keyframe is left out', () => {
  const keyframe = packetOf({ pid: 256, startsUnit: true, adaptation: [0x40], payload: [0, 0, 1, 0xe0] });
  const [pat, pmt, sound] = [patOf(0x100a), pmtOn(0x100a), packetOf({ pid: 257, payload: [1] })];
  const { segments } = splitAtKeyframes(Buffer.concat([sound, pat, pmt, sound, keyframe, sound, keyframe]));
  expect(segments).toEqual([Buffer.concat([pat, pmt, keyframe, sound]), Buffer.concat([pat, pmt, keyframe])]);
});

test('a clip that cannot be cut is refused with the reason', () => {
  const sound = packetOf({ pid: 257, payload: [1] });
  expect(() => splitAtKeyframes(sound)).toThrow(/no PAT and PMT/);
  expect(() => splitAtKeyframes(Buffer.concat([patOf(0x100a), pmtOn(0x100a), sound]))).toThrow(/no keyframe/);
});
