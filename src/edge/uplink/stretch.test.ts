import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SegmentRecord } from '../../media/segment-record.ts';
import { bytes, epochMs, seconds } from '../../media/units.ts';
import type { Stretch } from '../spool/stretch-part.ts';
import { chooseTargetDuration, planStretch, publish } from './stretch.ts';

const record = (sequence: number, of: Partial<SegmentRecord> = {}): SegmentRecord => ({
  sequence,
  at: epochMs(1_700_000_000_000 + sequence * 1000),
  duration: seconds(1),
  digest: createHash('sha256').update(String(sequence)).digest('base64url'),
  bytes: bytes(188),
  extension: 'ts',
  discontinuity: false,
  discontinuitySequence: 0,
  targetDuration: 1,
  listFrom: 0,
  encoder: { sequence, name: `${sequence}.ts`, bytes: bytes(188), modifiedAt: epochMs(0), targetDuration: 1 },
  ...of,
});
const range = (first: number, end: number) =>
  Array.from({ length: end - first }, (_, index) => first + index);

const records = (first: number, end: number) => range(first, end).map((sequence) => record(sequence));
/** A list of control's holds at least so many. */
const LIVE_SEGMENTS = 6;
const stretchFrom = (first: number): Stretch => ({ first, from: first, ordinal: 3, targetDuration: 1 });

describe('what is published next', () => {
  test('nothing where nothing is new', () => {
    expect(planStretch([], undefined, 0, false, LIVE_SEGMENTS)).toEqual({ kind: 'rest' });
    expect(planStretch(records(1, 5), stretchFrom(1), 4, false, LIVE_SEGMENTS)).toEqual({ kind: 'rest' });
  });

  test('the first stretch opens with the tail', () => {
    const plan = planStretch(records(1, 20), undefined, 0, false, LIVE_SEGMENTS);
    expect(plan).toMatchObject({ kind: 'open', first: { sequence: 17 }, skipped: 16 });
  });

  test('it goes on while no more than two tails are unpublished', () => {
    expect(planStretch(records(1, 20), stretchFrom(5), 13, false, LIVE_SEGMENTS)).toEqual({
      kind: 'continue',
    });
    expect(planStretch(records(1, 20), stretchFrom(5), 12, false, LIVE_SEGMENTS)).toMatchObject({
      kind: 'open',
      first: { sequence: 17 },
      skipped: 4,
    });
  });

  test('after a pause it goes on while no more than one tail is unpublished', () => {
    expect(planStretch(records(1, 20), stretchFrom(5), 16, true, LIVE_SEGMENTS)).toEqual({
      kind: 'continue',
    });
    expect(planStretch(records(1, 20), stretchFrom(5), 15, true, LIVE_SEGMENTS)).toMatchObject({
      kind: 'open',
    });
  });

  test('a stretch opens where more is unpublished than one list holds', () => {
    const short = range(1, 40).map((sequence) => record(sequence, { duration: seconds(0.5) }));
    expect(planStretch(short, stretchFrom(5), 33, false, LIVE_SEGMENTS)).toEqual({ kind: 'continue' });
    expect(planStretch(short, stretchFrom(5), 32, false, LIVE_SEGMENTS)).toMatchObject({ kind: 'open' });
  });

  test('a number that is left out opens a stretch', () => {
    const jumped = [...records(1, 10), ...records(11, 13)];
    expect(planStretch(jumped, stretchFrom(5), 9, false, LIVE_SEGMENTS)).toMatchObject({
      kind: 'open',
      first: { sequence: 11 },
    });
  });

  test('a stretch that was opened and got nowhere goes on where it began', () => {
    expect(planStretch(records(1, 11), stretchFrom(8), 5, false, LIVE_SEGMENTS)).toEqual({
      kind: 'continue',
    });
    expect(planStretch(records(1, 11), stretchFrom(8), 5, true, LIVE_SEGMENTS)).toEqual({ kind: 'continue' });
  });

  test('a stretch does not begin with a gap', () => {
    const gap = { gap: 'missing_at_source', digest: '', bytes: bytes(0) } as const;
    const all = [...records(1, 8), record(8, gap), record(9), record(10)];
    expect(planStretch(all, undefined, 0, false, LIVE_SEGMENTS)).toMatchObject({
      kind: 'open',
      first: { sequence: 9 },
    });
    expect(planStretch([record(8, gap)], undefined, 0, false, LIVE_SEGMENTS)).toEqual({ kind: 'rest' });
  });

  test('whatever is known: never a number that was published, never a hole', () => {
    const steps = fc.array(
      fc.record({
        skip: fc.integer({ min: 1, max: 12 }).map((n) => (n > 9 ? n - 8 : 1)),
        gap: fc.integer({ min: 0, max: 7 }).map((n) => n === 0),
        duration: fc.integer({ min: 1, max: 40 }),
      }),
      { maxLength: 40 },
    );
    const numbers = fc.nat({ max: 60 });
    fc.assert(
      fc.property(steps, fc.option(numbers), numbers, fc.boolean(), (all, first, through, paused) => {
        let sequence = 0;
        const window = all.map(({ skip, gap, duration }) => {
          sequence += skip;
          const lost = gap && { gap: 'missing_at_source' as const, digest: '', bytes: bytes(0) };
          return record(sequence, { duration: seconds(duration / 10), targetDuration: 4, ...lost });
        });
        const stretch = first === null ? undefined : stretchFrom(first);
        const plan = planStretch(window, stretch, through, paused, LIVE_SEGMENTS);
        const there = new Set(window.map((one) => one.sequence));
        const newest = window.at(-1)?.sequence ?? -1;
        if (plan.kind === 'continue') {
          const from = Math.max(through + 1, stretch!.first);
          expect(from).toBeLessThanOrEqual(newest);
          expect(range(from, newest + 1).filter((number) => !there.has(number))).toEqual([]);
        } else if (plan.kind === 'open') {
          expect(plan.first.sequence).toBeGreaterThan(through);
          expect(plan.first.gap).toBeUndefined();
          expect(range(plan.first.sequence, newest + 1).filter((number) => !there.has(number))).toEqual([]);
          const left = window.filter((one) => one.sequence > through && one.sequence < plan.first.sequence);
          expect(plan.skipped).toBe(left.length);
        } else {
          const fresh = window.filter((one) => one.sequence > through && one.gap === undefined);
          const opened = stretch !== undefined && stretch.first > through + 1;
          if (!opened && newest > through && window.at(-1)!.gap === undefined) expect(fresh).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a record as it is published', () => {
  test('the first of a stretch carries the tag, and all of it counts it', () => {
    const stretch: Stretch = { first: 5, from: 5, ordinal: 3, targetDuration: 4 };
    expect(publish(record(5, { discontinuitySequence: 7 }), stretch)).toMatchObject({
      discontinuity: true,
      discontinuitySequence: 10,
      targetDuration: 4,
      listFrom: 5,
    });
    expect(publish(record(6, { discontinuitySequence: 7 }), stretch)).toMatchObject({
      discontinuity: false,
      discontinuitySequence: 10,
      listFrom: 5,
    });
    expect(publish(record(6, { discontinuity: true, discontinuitySequence: 8 }), stretch)).toMatchObject({
      discontinuity: true,
      discontinuitySequence: 11,
    });
  });
});

test('a rendition that comes back into a stretch lists nothing from before, and carries no second tag', () => {
  const stretch: Stretch = { first: 5, from: 30, ordinal: 3, targetDuration: 4 };
  expect(publish(record(30, { discontinuitySequence: 7 }), stretch)).toMatchObject({
    discontinuity: false,
    discontinuitySequence: 10,
    listFrom: 30,
  });
});

describe('the target duration of a stretch', () => {
  test('is the longest of the newest minute, at least what the encoder says, never that of a gap', () => {
    expect(chooseTargetDuration([[]])).toBe(1);
    expect(chooseTargetDuration([[record(0, { duration: seconds(3.5) }), record(1)]])).toBe(4);
    expect(chooseTargetDuration([[record(0, { duration: seconds(9) }), record(61)]])).toBe(1);
    expect(chooseTargetDuration([[record(0, { duration: seconds(9), gap: 'too_large' }), record(1)]])).toBe(
      1,
    );
    const says6 = { ...record(1).encoder, targetDuration: 6 };
    expect(chooseTargetDuration([[record(0), record(1, { encoder: says6 })]])).toBe(6);
    const saysTooMuch = { ...record(1).encoder, targetDuration: 3600 };
    expect(chooseTargetDuration([[record(0), record(1, { encoder: saysTooMuch })]])).toBe(60);
  });
});
