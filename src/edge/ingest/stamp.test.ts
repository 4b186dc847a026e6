import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SegmentRecord } from '../../media/segment-record.ts';
import { bytes, type EpochMs, epochMs, seconds } from '../../media/units.ts';
import { NO_NEEDS } from './read-needs.ts';
import { type Media, type Position, type SeenAt, stamp } from './stamp.ts';

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

const T = 1_700_000_000_000;
/** Lasts from T to T + 4000. */
const before = record(10, { at: epochMs(T), duration: seconds(4), targetDuration: 4, listFrom: 5 });
const follows: Position = {
  sequence: 11,
  discontinuity: false,
  discontinuitySequence: 0,
  previous: before,
  jumped: false,
  mayLowerTarget: false,
};
const media: Media = { digest: 'A'.repeat(43), bytes: bytes(188), needs: NO_NEEDS, encoder: before.encoder };
const lost: Media = { gap: 'missing_at_source', encoder: before.encoder };
const stamped = (
  of: {
    duration?: number;
    media?: Media;
    position?: Partial<Position>;
    observed?: number;
    encoder?: number;
  } = {},
): SegmentRecord => {
  const seen: SeenAt = {
    observed: epochMs(of.observed ?? T + 4000),
    ...(of.encoder !== undefined && { encoder: epochMs(of.encoder) }),
  };
  const entry = { duration: seconds(of.duration ?? 4), tags: [] };
  return stamp(entry, of.media ?? media, 'ts', { ...follows, ...of.position }, seen);
};
const atOf = (of: Parameters<typeof stamped>[0]): number => stamped(of).at - T;

test('what the head of its playlist said goes with media and gaps alike', () => {
  const head = ['#EXT-X-INDEPENDENT-SEGMENTS'];
  const entry = { duration: seconds(4), tags: [], head };
  for (const what of [media, lost]) {
    expect(stamp(entry, what, 'ts', follows, { observed: epochMs(T + 4000) }).head).toEqual(head);
  }
  expect(stamped()).not.toHaveProperty('head');
});

test('a date range stays until it is over, and stands where its segment begins here', () => {
  const range = (start: number) =>
    `#EXT-X-DATERANGE:ID="ad",START-DATE="${new Date(start).toISOString()}",DURATION=6`;
  const said = { duration: seconds(4), tags: [], ranges: [range(T - 1000)], begins: epochMs(T - 1000) };
  const first = stamp(said, media, 'ts', follows, { observed: epochMs(T + 4000) });
  expect([first.at, first.ranges]).toEqual([T + 4000, [range(T + 4000)]]);
  const unsaid = { duration: seconds(4), tags: [] };
  const next = (previous: SegmentRecord) =>
    stamp(unsaid, lost, 'ts', { ...follows, previous }, { observed: epochMs(previous.at + 4000) });
  expect(next(first).ranges).toEqual([range(T + 4000)]);
  expect(next(next(first))).not.toHaveProperty('ranges');
});

describe('when a segment begins', () => {
  test.each([[3000], [3500], [4000], [4999], [5000]])(
    'jitter of arrival does not show: seen at %i it begins where the one before ended',
    (observed) => expect(atOf({ observed: T + observed })).toBe(4000),
  );

  test.each([[5001], [9000], [600_000]])('after a stall it follows the clock: %i', (observed) =>
    expect(atOf({ observed: T + observed })).toBe(observed),
  );

  test.each([[2999], [0], [-600_000]])(
    'a clock that was set back takes it half a second back at most: %i',
    (observed) => expect(atOf({ observed: T + observed })).toBe(3500),
  );

  test('a short segment is overlapped by half of it at most', () => {
    const short = record(10, { at: epochMs(T), duration: seconds(0.2) });
    expect(atOf({ position: { previous: short }, observed: T - 60_000 })).toBe(100);
  });

  test.each([
    [3000, 3500],
    [3600, 3600],
    [4700, 4700],
    [5000, 5000],
  ])("the encoder's date-time is used while within one second of the edge's: %i is %i", (encoder, expected) =>
    expect(atOf({ encoder: T + encoder })).toBe(expected),
  );

  test.each([[2999], [5001], [0], [1e12]])('and not beyond: %i', (encoder) =>
    expect(atOf({ encoder: T + encoder })).toBe(4000),
  );

  test('the first of all begins when it was seen', () => {
    expect(atOf({ position: { previous: undefined }, observed: T + 7 })).toBe(7);
    expect(atOf({ position: { previous: undefined }, observed: T + 7, encoder: T + 500 })).toBe(500);
    expect(atOf({ position: { previous: undefined }, observed: T + 7, encoder: T + 5000 })).toBe(7);
  });

  test('a new run begins when it was seen, and not over what was before it', () => {
    expect(atOf({ position: { discontinuity: true }, observed: T + 4300 })).toBe(4300);
    expect(atOf({ position: { discontinuity: true }, observed: T + 3900 })).toBe(4000);
    expect(atOf({ position: { discontinuity: true }, observed: T + 3900, encoder: T + 3800 })).toBe(4000);
  });

  test('whatever clocks say: times never go back, and no more than half a second is said twice (C9)', () => {
    const step = fc.record({
      observed: fc.integer({ min: -5_000, max: 5_000 }),
      encoder: fc.option(fc.integer({ min: -3_000, max: 3_000 }), { nil: undefined }),
      duration: fc.integer({ min: 10, max: 10_000 }),
      discontinuity: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let previous: SegmentRecord | undefined;
        let clock = T;
        for (const [index, { observed, encoder, duration, discontinuity }] of steps.entries()) {
          clock += observed;
          const one = stamped({
            duration: duration / 1000,
            observed: clock,
            ...(encoder !== undefined && { encoder: clock + encoder }),
            position: { sequence: index, previous, discontinuity },
          });
          if (previous !== undefined) {
            expect(one.at).toBeGreaterThan(previous.at);
            const overlap = previous.at + previous.duration * 1000 - one.at;
            expect(overlap).toBeLessThanOrEqual(discontinuity ? 1 : 501);
          }
          previous = one;
        }
      }),
    );
  });

  test('a segment a second, seen with jitter, makes an even row', () => {
    const seen = [0, 80, -120, 300, -400, 10].map((jitter, index) => T + index * 1000 + jitter);
    const times: EpochMs[] = [];
    let previous: SegmentRecord | undefined;
    for (const [sequence, observed] of seen.entries()) {
      previous = stamped({ duration: 1, observed, position: { sequence, previous } });
      times.push(previous.at);
    }
    expect(times).toEqual(seen.map((_, index) => T + index * 1000));
  });
});

describe('the rest of a record', () => {
  test('holds what was found', () => {
    expect(stamped()).toMatchObject({
      sequence: 11,
      duration: 4,
      digest: 'A'.repeat(43),
      bytes: 188,
      extension: 'ts',
      listFrom: 5,
      targetDuration: 4,
    });
    expect(stamped()).not.toHaveProperty('gap');
  });

  test('a list begins at the first of all, and where numbers jump', () => {
    expect(stamped({ position: { previous: undefined } }).listFrom).toBe(11);
    expect(stamped({ position: { jumped: true } }).listFrom).toBe(11);
  });

  test('the target duration rises with a longer segment and does not fall with a shorter one (U1, C1)', () => {
    expect(stamped({ duration: 5.6 }).targetDuration).toBe(6);
    expect(stamped({ duration: 1 }).targetDuration).toBe(4);
    expect(stamped({ duration: 1, position: { discontinuity: true } }).targetDuration).toBe(4);
    const alone = { discontinuity: true, mayLowerTarget: true };
    expect(stamped({ duration: 1, position: alone }).targetDuration).toBe(1);
  });

  test('a gap has no bytes, and does not raise the target duration', () => {
    const gap = stamped({ media: lost, duration: 30 });
    expect(gap).toMatchObject({
      gap: 'missing_at_source',
      digest: '',
      bytes: 0,
      duration: 4,
      targetDuration: 4,
    });
    expect(stamped({ media: lost, duration: 0 }).duration).toBeGreaterThan(0);
    expect(stamped({ media: lost, duration: 99, position: { previous: undefined } }).duration).toBe(60);
  });
});
