import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lastsEnough, liveList, tailOf, totalDuration } from './live-list.ts';
import type { SegmentRecord } from './segment-record.ts';
import { bytes, epochMs, seconds } from './units.ts';

const record = (sequence: number, of: Partial<SegmentRecord> = {}): SegmentRecord => ({
  sequence,
  at: epochMs(1_700_000_000_000 + sequence * 1000),
  duration: seconds(1),
  digest: String(sequence).padStart(43, 'A'),
  bytes: bytes(188),
  extension: 'ts',
  discontinuity: false,
  discontinuitySequence: 0,
  targetDuration: 1,
  listFrom: 0,
  encoder: { sequence, name: `${sequence}.ts`, bytes: bytes(188), modifiedAt: epochMs(0), targetDuration: 1 },
  ...of,
});
/** Numbers from `first` up to and without `end`, all of one stretch. */
const stretch = (first: number, end: number, of: Partial<SegmentRecord> = {}): SegmentRecord[] =>
  Array.from({ length: end - first }, (_, index) => record(first + index, { listFrom: first, ...of }));
const numbers = (records: readonly SegmentRecord[]) => records.map(({ sequence }) => sequence);
const range = (first: number, end: number) =>
  Array.from({ length: end - first }, (_, index) => first + index);

describe('what a live playlist lists', () => {
  test('nothing lists nothing', () => expect(liveList([], 6)).toEqual([]));

  test('one segment is a list where there is no more', () => {
    expect(numbers(liveList(stretch(5, 6), 6))).toEqual([5]);
  });

  test('at least so many segments as asked for, and no more than needed', () => {
    expect(numbers(liveList(stretch(0, 40), 6))).toEqual(range(34, 40));
  });

  test('at least three target durations, however few segments are asked for', () => {
    expect(numbers(liveList(stretch(0, 40, { targetDuration: 4 }), 3))).toEqual(range(28, 40));
  });

  test('the tag that opens a stretch stays for five target durations', () => {
    for (let end = 101; end <= 105; end++) {
      expect(numbers(liveList(stretch(100, end), 3))).toEqual(range(100, end));
    }
    expect(numbers(liveList(stretch(100, 106), 3))).toEqual([103, 104, 105]);
  });

  test('durations that do not add up exactly are not held for too short', () => {
    const tenths = stretch(0, 60, { duration: seconds(0.1) });
    expect(lastsEnough(tenths.slice(0, 30))).toBe(true);
    expect(lastsEnough(tenths.slice(0, 29))).toBe(false);
    expect(tailOf(tenths)).toHaveLength(30);
  });

  test('a list never reaches back over a hole', () => {
    expect(numbers(liveList([...stretch(0, 10), ...stretch(20, 25)], 6))).toEqual(range(20, 25));
  });

  test('a list never reaches back over the beginning of its stretch, even where numbers follow', () => {
    expect(numbers(liveList([...stretch(0, 10), ...stretch(10, 14)], 6))).toEqual(range(10, 14));
  });

  test('a new stretch is shown when it lasts three target durations, and not before', () => {
    const old = stretch(0, 10);
    expect(numbers(liveList([...old, ...stretch(20, 21)], 6))).toEqual(range(4, 10));
    expect(numbers(liveList([...old, ...stretch(20, 22)], 6))).toEqual(range(4, 10));
    expect(numbers(liveList([...old, ...stretch(20, 23)], 6))).toEqual(range(20, 23));
  });

  test('two new stretches, both too short yet, leave the old one in its place (U5)', () => {
    const old = stretch(0, 10);
    expect(numbers(liveList([...old, ...stretch(20, 22), ...stretch(30, 31)], 6))).toEqual(range(4, 10));
  });

  test('an old stretch, while it is shown, keeps its own number of segments', () => {
    const old = stretch(0, 4);
    expect(numbers(liveList([...old, ...stretch(20, 22)], 6))).toEqual(range(0, 4));
  });
});

/** Records of some stretches, each without a hole, as they come to stand in a row. */
const stretches = fc
  .array(
    fc.record({
      skipped: fc.integer({ min: 0, max: 5 }),
      target: fc.integer({ min: 1, max: 4 }),
      durations: fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 25 }),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((all) => {
    const records: SegmentRecord[] = [];
    for (const { skipped, target, durations } of all) {
      const first = (records.at(-1)?.sequence ?? 0) + 1 + skipped;
      for (const [index, share] of durations.entries()) {
        const duration = seconds((target * share) / 100);
        records.push(record(first + index, { listFrom: first, duration, targetDuration: target }));
      }
    }
    return records;
  });

describe('whatever the records are', () => {
  test('a list is one row without a hole, of one stretch, as long as it must be where that can be', () => {
    fc.assert(
      fc.property(stretches, fc.integer({ min: 1, max: 12 }), (records, minSegments) => {
        const list = liveList(records, minSegments);
        expect(list.length).toBeGreaterThan(0);
        const [first, last] = [list[0]!, list.at(-1)!];
        expect(numbers(list)).toEqual(range(first.sequence, last.sequence + 1));
        expect(first.sequence).toBeGreaterThanOrEqual(last.listFrom);
        const ofStretch = records.filter(({ listFrom }) => listFrom === last.listFrom);
        // It ends with the newest of its stretch and leaves out only what is more than enough.
        expect(last).toBe(ofStretch.at(-1));
        const whole = list.length === ofStretch.length;
        expect(whole || (lastsEnough(list) && list.length >= minSegments)).toBe(true);
        if (totalDuration(ofStretch) <= 5 * last.targetDuration) expect(whole).toBe(true);
      }),
    );
  });

  test('as segments come one by one no list goes back, and none that lasted long enough falls short (U3, U5)', () => {
    fc.assert(
      fc.property(stretches, fc.integer({ min: 1, max: 12 }), (records, minSegments) => {
        let before: readonly SegmentRecord[] = [];
        for (let count = 1; count <= records.length; count++) {
          const list = liveList(records.slice(0, count), minSegments);
          if (before.length > 0) {
            expect(list[0]!.sequence).toBeGreaterThanOrEqual(before[0]!.sequence);
            expect(list.at(-1)!.sequence).toBeGreaterThanOrEqual(before.at(-1)!.sequence);
            if (lastsEnough(before)) expect(lastsEnough(list)).toBe(true);
          }
          before = list;
        }
      }),
    );
  });
});
