import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRange } from './byte-range.ts';

test.each([
  ['bytes=0-99', { first: 0, last: 99 }],
  ['bytes=100-', { first: 100, last: 999 }],
  ['bytes=-100', { first: 900, last: 999 }],
  ['bytes=999-999', { first: 999, last: 999 }],
  ['bytes=0-0', { first: 0, last: 0 }],
  ['bytes=900-5000', { first: 900, last: 999 }],
  ['bytes=-5000', { first: 0, last: 999 }],
  // RFC 8673: GStreamer asks so.
  ['bytes=0-9007199254740991', { first: 0, last: 999 }],
  [' bytes=1-2 ', { first: 1, last: 2 }],
])('%s of a thousand bytes', (header, expected) => expect(parseRange(header, 1000)).toEqual(expected));

test.each([['bytes=1000-'], ['bytes=1000-2000'], ['bytes=-0'], ['bytes=9007199254740991-']])(
  '%s lies outside',
  (header) => expect(parseRange(header, 1000)).toBe('unsatisfiable'),
);

test.each([
  [undefined],
  [''],
  ['bytes'],
  ['bytes='],
  ['bytes=-'],
  ['bytes=a-b'],
  ['bytes=5-4'],
  ['bytes=0-1,5-6'],
  ['bytes=0-1,'],
  ['items=0-1'],
  ['bytes=--1'],
  ['bytes=+1-2'],
  ['bytes=0x1-2'],
  ['bytes=1.5-2'],
  [`bytes=0-${'9'.repeat(400)}`],
  [`bytes=${'0'.repeat(400)}-1`],
])('%s is ignored', (header) => expect(parseRange(header, 1000)).toBeUndefined());

test('of nothing, nothing can be asked', () => {
  expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable');
  expect(parseRange('bytes=-1', 0)).toBe('unsatisfiable');
});

test('what is answered always lies within', () => {
  const number = fc.oneof(
    fc.constant(''),
    fc.nat().map(String),
    fc.bigInt({ min: 0n, max: 10n ** 20n }).map(String),
  );
  fc.assert(
    fc.property(number, number, fc.nat({ max: 5000 }), (from, to, length) => {
      const range = parseRange(`bytes=${from}-${to}`, length);
      if (range === undefined || range === 'unsatisfiable') return;
      expect(range.first).toBeGreaterThanOrEqual(0);
      expect(range.last).toBeGreaterThanOrEqual(range.first);
      expect(range.last).toBeLessThan(length);
    }),
  );
});
