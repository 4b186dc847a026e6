import { expect, test } from 'vitest';
import { gapReasons } from '../media/segment-record.ts';
import { gapTrouble } from './trouble.ts';

test('whoever was misled by a % in the name of a single file is not sent back to it', () => {
  expect(gapTrouble('bad_name').hint).toMatch(/single_file.* cam\.ts/);
});

test.each(gapReasons)('what is told of %s fits the link', (reason) => {
  const { detail, hint } = gapTrouble(reason);
  expect(Math.max(detail.length, hint.length)).toBeLessThanOrEqual(300);
});
