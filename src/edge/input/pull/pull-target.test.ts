import { expect, test } from 'vitest';
import { mayAsk, pullTarget } from './pull-target.ts';

test('user name and password leave the URL and are shown as Basic', () => {
  const { url, authorization } = pullTarget('http://us%40er:p%3Aw%@cam.lan:81/a/b.m3u8?x=1#there');
  expect(url.href).toBe('http://cam.lan:81/a/b.m3u8?x=1');
  expect(Buffer.from(authorization!.replace('Basic ', ''), 'base64').toString()).toBe('us@er:p%3Aw%');
  expect(pullTarget('http://cam/b.m3u8').authorization).toBeUndefined();
});

test.each([
  ['http://cam.lan:81/other.m3u8', true],
  ['https://cdn.example/x.m3u8', true],
  ['http://cam.lan/other.m3u8', false],
  ['https://cam.lan:81/other.m3u8', false],
  ['http://user@cam.lan:81/other.m3u8', false],
  ['http://cam.lan.:81/x', false],
  ['http://127.0.0.1:81/x', false],
  ['http://169.254.169.254/latest/meta-data', false],
  ['http://[::ffff:10.0.0.1]/x', false],
  ['http://cdn.example/x.m3u8', false],
  ['file:///etc/passwd', false],
  ['ftp://cam.lan:81/x', false],
])('a redirect to %s may be followed: %s', (url, may) => {
  const allowed = { roots: [], origins: ['https://cdn.example'] };
  expect(mayAsk(new URL(url), pullTarget('http://cam.lan:81/a.m3u8'), allowed)).toBe(may);
});
