import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LiveWindow } from './live-window.ts';
import type { SegmentRecord } from './segment-record.ts';
import { bytes, epochMs, seconds } from './units.ts';

const record = (sequence: number, duration = 1): SegmentRecord => ({
  sequence,
  at: epochMs(sequence * 1000),
  duration: seconds(duration),
  digest: '',
  bytes: bytes(188),
  extension: 'ts',
  discontinuity: false,
  discontinuitySequence: 0,
  targetDuration: 1,
  listFrom: 0,
  encoder: { sequence, name: `${sequence}.ts`, bytes: bytes(188), modifiedAt: epochMs(0), targetDuration: 1 },
});
const numbers = (records: readonly SegmentRecord[]) => records.map(({ sequence }) => sequence);
const windowOf = (lasting: number, sequences: readonly number[]) => {
  const window = new LiveWindow(seconds(lasting));
  for (const sequence of sequences) window.push(record(sequence));
  return window;
};

test('an empty window has nothing to give', () => {
  const window = new LiveWindow(seconds(10));
  expect([window.newest, window.oldest, window.find(0), window.dropOldest()]).toEqual(
    Array(4).fill(undefined),
  );
  expect(window.from(0)).toEqual([]);
});

test('it gives back what falls out, oldest first', () => {
  const window = windowOf(3, [1, 2, 3]);
  expect(numbers(window.push(record(4)))).toEqual([1]);
  expect(numbers(window.push(record(5, 2.5)))).toEqual([2, 3, 4]);
  expect(numbers(window.records)).toEqual([5]);
});

test('the newest stays, however long it is', () => {
  const window = windowOf(3, [1]);
  expect(numbers(window.push(record(2, 60)))).toEqual([1]);
  expect(window.dropOldest()).toBeUndefined();
  expect(numbers(window.records)).toEqual([2]);
});

test('numbers only rise', () => {
  const window = windowOf(10, [5]);
  expect(() => window.push(record(5))).toThrow(RangeError);
  expect(() => window.push(record(4))).toThrow(RangeError);
  expect(numbers(window.records)).toEqual([5]);
});

test('records are found by number, over holes, too', () => {
  const window = windowOf(100, [3, 4, 9, 10]);
  expect(window.find(9)?.sequence).toBe(9);
  expect([2, 5, 8, 11].map((sequence) => window.find(sequence))).toEqual(Array(4).fill(undefined));
  expect([0, 4, 5, 10, 11].map((sequence) => numbers(window.from(sequence)))).toEqual([
    [3, 4, 9, 10],
    [4, 9, 10],
    [9, 10],
    [10],
    [],
  ]);
});

test('whatever comes: the window holds the newest, no longer than it may be, and nothing is lost on the way', () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ skip: fc.integer({ min: 1, max: 4 }), duration: fc.integer({ min: 1, max: 8 }) }),
      fc.constant('drop' as const),
    ),
    { maxLength: 80 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 20 }), (all, lasting) => {
      const window = new LiveWindow(seconds(lasting));
      const pushed: number[] = [];
      const fallen: number[] = [];
      for (const step of all) {
        if (step === 'drop')
          fallen.push(...numbers([window.dropOldest()].filter((one) => one !== undefined)));
        else {
          const sequence = (pushed.at(-1) ?? 0) + step.skip;
          pushed.push(sequence);
          fallen.push(...numbers(window.push(record(sequence, step.duration))));
          const lasts = window.records.reduce((sum, { duration }) => sum + duration, 0);
          expect(window.records.length === 1 || lasts <= lasting).toBe(true);
        }
        expect([...fallen, ...numbers(window.records)]).toEqual(pushed);
      }
    }),
  );
});
