import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  readPcrBase,
  readStamp,
  TICKS_WRAP,
  ticks,
  ticksBetween,
  writePcrBase,
  writeStamp,
} from './ticks.ts';

const anyTicks = fc.integer({ min: 0, max: TICKS_WRAP - 1 }).map(ticks);

test('a PTS that is written is read back, and what stands around it stays', () => {
  fc.assert(
    fc.property(anyTicks, anyTicks, (earlier, time) => {
      const bytes = Buffer.from([0xaa, 0x31, 0x00, 0x01, 0x00, 0x01, 0xaa]);
      writeStamp(bytes, 1, earlier);
      writeStamp(bytes, 1, time);
      expect(readStamp(bytes, 1)).toBe(time);
      expect([bytes[0], bytes[1]! & 0xf1, bytes[3]! & 1, bytes[5]! & 1, bytes[6]]).toEqual([
        0xaa, 0x31, 1, 1, 0xaa,
      ]);
    }),
  );
});

test('a PTS is laid out as ISO/IEC 13818-1 table 2-21 says', () => {
  const bytes = Buffer.from([0x21, 0x00, 0x01, 0x00, 0x01]);
  writeStamp(bytes, 0, ticks(126_000));
  expect(bytes.toString('hex')).toBe('210007d861');
  writeStamp(bytes, 0, ticks(TICKS_WRAP - 1));
  expect(bytes.toString('hex')).toBe('2fffffffff');
});

test('a PCR base that is written is read back, and its extension stays', () => {
  fc.assert(
    fc.property(anyTicks, anyTicks, (earlier, base) => {
      const bytes = Buffer.from([0, 0, 0, 0, 0x7f, 0x2b]);
      writePcrBase(bytes, 0, earlier);
      writePcrBase(bytes, 0, base);
      expect(readPcrBase(bytes, 0)).toBe(base);
      expect([bytes[4]! & 0x7f, bytes[5]]).toEqual([0x7f, 0x2b]);
    }),
  );
});

test('time goes on at 0 after 2^33', () => {
  expect(ticks(TICKS_WRAP)).toBe(0);
  expect(ticks(-1)).toBe(TICKS_WRAP - 1);
  expect(ticksBetween(ticks(-10), ticks(5))).toBe(15);
});
