import { expect, test } from 'vitest';
import { epochMs } from '../../media/units.ts';
import { parseSpan } from './parse-span.ts';

const now = epochMs(Date.parse('2026-05-17T10:00:00Z'));
const seconds = (from?: string, until?: string) => {
  const span = parseSpan(from, until, now);
  return [(span.from - now) / 1000, span.until === undefined ? undefined : (span.until - now) / 1000];
};

test.each([
  [undefined, undefined, [0, undefined]],
  ['-30s', undefined, [-30, undefined]],
  ['-1.5s', '+2m', [-1.5, 120]],
  ['-2h', '-1h', [-7_200, -3_600]],
  ['2026-05-17T09:59:00Z', '2026-05-17T12:01:00+02:00', [-60, 60]],
  ['2026-05-17T09:59:59.250Z', '+500ms', [-0.75, 0.5]],
  ['-0s', undefined, [0, undefined]],
  ['+1h', undefined, [3_600, undefined]],
  ['2026-05-17T09:59Z', undefined, [-60, undefined]],
  ['2026-05-17T15:29:00+0530', undefined, [-60, undefined]],
  ['-366d', '+31d', [-366 * 86_400, 31 * 86_400]],
])('from %s until %s', (from, until, expected) => {
  expect(seconds(from, until)).toEqual(expected);
});

test.each([
  ['-30', undefined, 'bad_time'],
  ['30s', undefined, 'bad_time'],
  ['yesterday', undefined, 'bad_time'],
  ['2026-05-17T09:59:00', undefined, 'bad_time'],
  ['2026-02-30T09:59:00Z', undefined, 'bad_time'],
  ['', undefined, 'bad_time'],
  ['-1s', '-2s', 'bad_span'],
  ['-1s', '-1s', 'bad_span'],
  ['1999-01-01T00:00:00Z', undefined, 'bad_span'],
  [undefined, '+40d', 'bad_span'],
  ['-999999999d', undefined, 'bad_span'],
  ['+999999999d', undefined, 'bad_span'],
  ['-367d', undefined, 'bad_span'],
  [undefined, '-1ms', 'bad_span'],
  [undefined, '+0s', 'bad_span'],
  ['9999-12-31T23:59:59Z', undefined, 'bad_span'],
  ['0000-01-01T00:00:00Z', undefined, 'bad_span'],
  ['-1e9s', undefined, 'bad_time'],
  ['--30s', undefined, 'bad_time'],
  ['-30S', undefined, 'bad_time'],
  ['-9999999999s', undefined, 'bad_span'],
  ['-99999999999999999s', undefined, 'bad_span'],
  [undefined, `+${'9'.repeat(400)}d`, 'bad_span'],
  ['-30s ', undefined, 'bad_time'],
  ['1747476000000', undefined, 'bad_time'],
  ['NaN', undefined, 'bad_time'],
  ['2026-05-17', undefined, 'bad_time'],
  ['2026-13-01T00:00:00Z', undefined, 'bad_time'],
  ['2026-05-17T25:00:00Z', undefined, 'bad_time'],
  ['2025-02-29T00:00:00Z', undefined, 'bad_time'],
  ['2026-05-17T10:00:60Z', undefined, 'bad_time'],
  ['2026-05-17T10:00:00+99:99', undefined, 'bad_time'],
])('from %s until %s is refused', (from, until, code) => {
  expect(() => parseSpan(from, until, now)).toThrow(expect.objectContaining({ code }));
});
