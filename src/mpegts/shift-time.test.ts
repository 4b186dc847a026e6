import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packetOf, testClip } from './packet-for-test.ts';
import { stampsOf } from './pes.ts';
import { shiftTime } from './shift-time.ts';
import { readPcrBase, TICKS_WRAP, ticks, writePcrBase, writeStamp } from './ticks.ts';

/** A video packet with PCR, PTS and DTS. */
function timedPacket(pcr: number, pts: number, dts: number): Buffer {
  const header = [0, 0, 1, 0xe0, 0, 0, 0x80, 0xc0, 10, 0x31, 0, 1, 0, 1, 0x11, 0, 1, 0, 1, 0xaa];
  const adaptation = [0x50, 0, 0, 0, 0, 0x7e, 0x11];
  const packet = packetOf({ pid: 256, startsUnit: true, adaptation, payload: header });
  writePcrBase(packet, 6, ticks(pcr));
  const begin = 188 - header.length;
  writeStamp(packet, begin + 9, ticks(pts));
  writeStamp(packet, begin + 14, ticks(dts));
  return packet;
}

test('PTS, DTS and PCR move together and go on at 0 after 2^33', () => {
  const moved = shiftTime(timedPacket(TICKS_WRAP - 3_000, TICKS_WRAP - 1_000, TICKS_WRAP - 2_000), 1_500);
  expect(moved).toEqual(timedPacket(TICKS_WRAP - 1_500, 500, TICKS_WRAP - 500));
  expect(stampsOf(moved)).toEqual({ pts: 500, dts: TICKS_WRAP - 500 });
  expect(readPcrBase(moved, 6)).toBe(TICKS_WRAP - 1_500);
});

test('a clip that is shifted there and back is the same, and the given one is not touched', () => {
  const given = Buffer.from(testClip);
  fc.assert(
    fc.property(fc.integer({ min: -TICKS_WRAP, max: 40 * TICKS_WRAP }), (by) => {
      expect(shiftTime(shiftTime(testClip, by), -by).equals(testClip)).toBe(true);
    }),
    { numRuns: 20 },
  );
  expect(testClip.equals(given)).toBe(true);
});

test('a PES packet without times, and one of a kind that never has any, stay as they are', () => {
  const untimed = [0, 0, 1, 0xe0, 0, 0, 0x80, 0x00, 0, 0xaa];
  const padding = [0, 0, 1, 0xbe, 0, 6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
  const table = [0, 2, 0xb0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
  for (const payload of [untimed, padding, table]) {
    const packet = packetOf({ pid: 256, startsUnit: true, payload });
    expect(shiftTime(packet, 90_000)).toEqual(packet);
  }
});

test('a PES header that is cut by the end of its packet is refused, not left unshifted', () => {
  const payload = [0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21];
  expect(() => shiftTime(packetOf({ pid: 256, startsUnit: true, payload }), 1)).toThrow(RangeError);
});

test('what is no transport stream is refused', () => {
  expect(() => shiftTime(testClip.subarray(0, 200), 1)).toThrow(/whole packets/);
  expect(() => shiftTime(Buffer.alloc(376), 1)).toThrow(/no sync byte at 0/);
});
