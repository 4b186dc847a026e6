import { expect, test } from 'vitest';
import { pushedPath } from './push-path.ts';

test.each([
  ['', 'a.ts', 'a.ts'],
  ['hi/', 'a.ts', 'hi/a.ts'],
  ['', 'video/720/a.m4s', 'video/720/a.m4s'],
  ['hi/', './a.ts', 'hi/a.ts'],
  ['hi/', '../keys/one.key', 'keys/one.key'],
  ['a/b/c/', '../../../x', 'x'],
  ['', '../a.ts', undefined],
  ['hi/', '../../other/a.ts', undefined],
  ['', '/etc/passwd', undefined],
  ['', 'a//b.ts', undefined],
  ['', 'a/%2e%2e/b.ts', undefined],
  ['', 'a\\b.ts', undefined],
  ['', '.hidden/a.ts', undefined],
  ['', 'a/b/c/d/e.ts', undefined],
  ['hi/', '..', undefined],
  ['', 'hi/', undefined],
  ['', '', undefined],
  ['hi/', '/../a.ts', undefined],
  ['', 'x.ts?/../evil', undefined],
  ['', '_a/_b.ts', undefined],
  ['', 'a/_b.ts', 'a/_b.ts'],
  ['', 'a.ts?x=1', undefined],
])('in %j, %j is %j', (folder, uri, path) => {
  expect(pushedPath(folder, uri)).toBe(path);
});
