import { expect, test } from 'vitest';
import { gapReasons } from '../media/segment-record.ts';
import { gapTrouble } from './trouble.ts';

test('whoever was misled by a % in the name of a single file is not sent back to it', () => {
  expect(gapTrouble('bad_name').hint).toMatch(/single_file.* cam\.ts/);
});

test('what was not there may be a key or an init section, of a source that is read or pushed', () => {
  const { detail, hint } = gapTrouble('missing_at_source');
  expect(detail).toMatch(/segment.* key or init section/);
  expect(hint).toMatch(/are read.*MPEG-TS-URI-Prefix.*are pushed.*keys and init sections/);
});

test.each(gapReasons)('what is told of %s fits the link', (reason) => {
  const { detail, hint } = gapTrouble(reason);
  expect(Math.max(detail.length, hint.length)).toBeLessThanOrEqual(300);
});
