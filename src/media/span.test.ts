import fc from 'fast-check';
import { expect, test } from 'vitest';
import { coveredBy, covers, endOf, isEmpty, type Span, unionOf } from './span.ts';
import { epochMs, seconds } from './units.ts';

const span = (from: number, until?: number): Span => ({
  from: epochMs(from),
  ...(until !== undefined && { until: epochMs(until) }),
});
const lasting = (at: number, end: number) => ({ at: epochMs(at), duration: seconds((end - at) / 1000) });

test.each([
  [4, 5000],
  [3.9996, 5000],
  [0.0011, 1001],
  [0.0001, 1001],
])('a segment of %d s that begins at 1000 ends at %d', (duration, end) => {
  expect(endOf({ at: epochMs(1000), duration: seconds(duration) })).toBe(end);
});

test.each([
  ['ends where the span begins', lasting(0, 10), false],
  ['ends a millisecond later', lasting(0, 11), true],
  ['lies within', lasting(12, 14), true],
  ['is the span', lasting(10, 20), true],
  ['is larger', lasting(5, 25), true],
  ['begins a millisecond before the span ends', lasting(19, 30), true],
  ['begins where the span ends', lasting(20, 30), false],
])('a segment that %s', (_, segment, covered) => {
  expect(covers(span(10, 20), segment)).toBe(covered);
});

test('a span without end covers all that is later', () => {
  expect(covers(span(10), lasting(1e12, 1e12 + 1))).toBe(true);
  expect(covers(span(10), lasting(9, 10))).toBe(false);
});

test('a span without time covers nothing, not even what goes on meanwhile', () => {
  for (const empty of [span(10, 10), span(12, 8)]) {
    expect(isEmpty(empty)).toBe(true);
    expect(covers(empty, lasting(0, 20))).toBe(false);
  }
});

test('however short, a segment has a part that is covered', () => {
  const short = { at: epochMs(10), duration: seconds(0.0001) };
  expect([covers(span(0, 10), short), covers(span(10, 20), short)]).toEqual([false, true]);
});

test.each([
  ['none', [], []],
  ['one', [span(1, 2)], [span(1, 2)]],
  ['apart, in any order', [span(5, 6), span(1, 2)], [span(1, 2), span(5, 6)]],
  ['touching', [span(1, 2), span(2, 3)], [span(1, 3)]],
  ['overlapping', [span(1, 5), span(3, 8)], [span(1, 8)]],
  ['one within another', [span(1, 8), span(3, 5)], [span(1, 8)]],
  ['the same twice', [span(1, 8), span(1, 8)], [span(1, 8)]],
  ['one without end', [span(3), span(1, 4), span(9, 10)], [span(1)]],
  ['one without end, apart', [span(3), span(1, 2)], [span(1, 2), span(3)]],
  ['two without end', [span(3), span(1)], [span(1)]],
  ['empty ones', [span(5, 5), span(9, 7)], []],
  ['an empty one between', [span(1, 2), span(4, 4), span(6, 7)], [span(1, 2), span(6, 7)]],
])('the union of %s', (_, spans, union) => {
  expect(unionOf(spans)).toEqual(union);
});

const moment = fc.integer({ min: 0, max: 60 });
const anySpan = fc
  .tuple(moment, fc.option(moment, { nil: undefined }))
  .map(([from, until]) => span(from, until));
const anySegment = fc
  .tuple(moment, fc.constantFrom(0.0001, 0.001, 0.002, 0.005, 0.02))
  .map(([at, duration]) => ({ at: epochMs(at), duration: seconds(duration) }));

test('a union covers what its spans cover, ascends, and has time between its parts', () => {
  fc.assert(
    fc.property(fc.array(anySpan, { maxLength: 8 }), anySegment, (spans, segment) => {
      const before = structuredClone(spans);
      const union = unionOf(spans);
      expect(spans).toEqual(before);
      expect(coveredBy(union, segment)).toBe(coveredBy(spans, segment));
      for (const [index, { from }] of union.entries()) {
        if (index > 0) expect(union[index - 1]?.until).toBeLessThan(from);
      }
      expect(unionOf(union)).toEqual(union);
    }),
  );
});
