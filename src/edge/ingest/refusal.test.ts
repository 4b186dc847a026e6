import { describe, expect, test } from 'vitest';
import type { ReadOrigin } from './media-origin.ts';
import { refusal, refuseUri } from './refusal.ts';
import { extensionOf, nameOf } from './segment-name.ts';

const allowed = { roots: [], origins: ['https://cdn.example'] };
const pulled: ReadOrigin = {
  kind: 'http',
  base: 'http://cam.lan:81/live/index.m3u8?token=t',
  pulled: { origin: 'http://cam.lan:81', beginsAtTail: false, signal: new AbortController().signal },
};
const posted: ReadOrigin = { kind: 'http', base: 'http://cam.lan:81/live' };

describe('what a pulled playlist may name, and a posted one', () => {
  test.each([
    ['seg.ts', undefined, undefined],
    ['a/b/seg.ts?x=1', undefined, 'bad_name'],
    ['../seg.ts', undefined, 'bad_name'],
    ['/seg.TS', undefined, 'bad_name'],
    ['?segment=1.ts', 'bad_name', 'bad_name'],
    ['sub%20dir/seg 1.ts', undefined, 'bad_name'],
    ['seg', 'bad_name', 'bad_name'],
    ['seg.exe', 'bad_name', 'bad_name'],
    ['seg.exe?x=.ts', 'bad_name', 'bad_name'],
    ['http://cam.lan:81/x/seg.m4s', undefined, 'origin_not_allowed'],
    ['https://cdn.example/x/seg.m4s?sig=a/b', undefined, undefined],
    ['//cdn.example/x/seg.ts', 'origin_not_allowed', 'bad_name'],
    ['http://cam.lan/seg.ts', 'origin_not_allowed', 'origin_not_allowed'],
    ['https://cam.lan:81/seg.ts', 'origin_not_allowed', 'origin_not_allowed'],
    ['http://user:pw@cam.lan:81/seg.ts', 'origin_not_allowed', 'origin_not_allowed'],
    ['http://127.0.0.1/seg.ts', 'origin_not_allowed', 'origin_not_allowed'],
    ['http://[::1]:81/seg.ts', 'origin_not_allowed', 'origin_not_allowed'],
    ['http://169.254.169.254/seg.ts', 'origin_not_allowed', 'origin_not_allowed'],
    ['http://0x7f.1:81/seg.ts', 'origin_not_allowed', 'origin_not_allowed'],
    ['http://cam.lan:81@evil.example/seg.ts', 'origin_not_allowed', 'origin_not_allowed'],
    ['http://cam.lan:81.evil.example/seg.ts', 'bad_name', 'origin_not_allowed'],
    ['file:///etc/passwd.ts', 'origin_not_allowed', 'origin_not_allowed'],
    ['data:video/mp2t;base64,AAAA.ts', 'origin_not_allowed', 'origin_not_allowed'],
    ['gopher://cam.lan:81/x.ts', 'origin_not_allowed', 'origin_not_allowed'],
    ['concat:a.ts|b.ts', 'origin_not_allowed', 'origin_not_allowed'],
    ['\\\\evil.example\\seg.ts', 'origin_not_allowed', 'bad_name'],
  ])('%s', (line, ofPulled, ofPosted) => {
    expect(refusal(line, pulled, allowed)).toBe(ofPulled);
    expect(refusal(line, posted, allowed)).toBe(ofPosted);
  });

  test('keys and init sections of a pulled one may have any name, at the same origins', () => {
    for (const uri of ['k', '../keys/k?id=1', '/init', 'https://cdn.example/k'])
      expect(() => refuseUri(uri, pulled, allowed)).not.toThrow();
    for (const uri of ['http://127.0.0.1/k', 'file:///etc/shadow', '//evil.example/k'])
      expect(() => refuseUri(uri, pulled, allowed)).toThrow(/may not be read/);
  });
});

test('what may be a secret in a URI does not become a segment’s name, which still tells it from others', () => {
  const name = (uri: string) => nameOf({ uri });
  expect(name('a/seg-1.ts')).toBe('a/seg-1.ts');
  expect(name('http://user:pw@cam/seg-1.ts?token=secret')).toMatch(/^http:\/\/cam\/seg-1\.ts\?[\w-]{22}$/);
  expect(name('seg.ts?n=1')).not.toBe(name('seg.ts?n=2'));
  expect(name('seg.ts?n=1')).toBe(name('seg.ts?n=1'));
  const long = `${'x'.repeat(2_000)}/1.ts`;
  expect(name(long).length).toBeLessThan(600);
  expect(name(long)).not.toBe(name(long.replace('1.ts', '2.ts')));
  expect(nameOf({ uri: 'a.ts?x', range: { offset: 3, length: 4 } })).toMatch(/^a\.ts\?[\w-]{22}#3\+4$/);
});

test.each([
  ['seg.ts', 'ts'],
  ['a.b/seg.M4S?x=1.mp3#y.aac', 'm4s'],
])('the extension of %s is %s', (uri, extension) => {
  expect(extensionOf(uri)).toBe(extension);
});
