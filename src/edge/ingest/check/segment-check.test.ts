import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { box } from './box-for-test.ts';
import { checkOf, faultOfInit, mayBeMeant, type Verdict } from './segment-check.ts';

function verdictOf(extension: string, content: Buffer, chunk = content.length || 1): Verdict {
  const check = checkOf(extension)!;
  for (let at = 0; at < content.length; at += chunk) check.push(content.subarray(at, at + chunk));
  return check.verdict();
}

const moof = box('moof', box('mfhd', Buffer.alloc(8)));
const mdat = box('mdat', Buffer.alloc(100, 0xff));
const moov = box('moov', Buffer.alloc(30));
/** A box whose size has 64 bits. */
const large = (type: string, body: number, told = body + 16) => {
  const header = Buffer.alloc(16 + body);
  header.writeUInt32BE(1);
  header.write(type, 4, 'latin1');
  header.writeBigUInt64BE(BigInt(told), 8);
  return header;
};
/** A box that goes on to the end. */
const toTheEnd = (type: string, body: number) => {
  const whole = box(type, Buffer.alloc(body, 1));
  whole.writeUInt32BE(0);
  return whole;
};
const all = (...parts: Buffer[]) => Buffer.concat(parts);

describe('MP4', () => {
  test.each<[string, Buffer, Verdict]>([
    ['nothing', Buffer.alloc(0), 'empty'],
    ['a fragment', all(moof, mdat), 'ok'],
    ...['styp', 'sidx', 'emsg', 'prft', 'uuid', 'free', 'ftyp'].map((type): [string, Buffer, Verdict] => [
      `one that begins with ${type}`,
      all(box(type, Buffer.alloc(24)), moof, mdat),
      'ok',
    ]),
    ['a box that nobody knows between', all(moof, box('abcd'), mdat), 'ok'],
    ['a size of 64 bits', all(moof, large('mdat', 50)), 'ok'],
    ['a last box without a size', all(moof, toTheEnd('mdat', 77)), 'ok'],
    ['an init section', all(box('ftyp', Buffer.alloc(16)), moov), 'no_media'],
    ['a word', Buffer.from('hello'), 'not_mp4'],
    ['a page', Buffer.from('<html><body>404</body></html>'), 'not_mp4'],
    ['a transport stream', Buffer.alloc(1880, 0x47), 'not_mp4'],
    ['zeros', Buffer.alloc(64), 'not_mp4'],
    ['half a header', moof.subarray(0, 6), 'not_mp4'],
    ['a fragment without its end', all(moof, mdat).subarray(0, -1), 'torn'],
    ['a fragment and half a header', all(moof, mdat, mdat.subarray(0, 5)), 'torn'],
    ['a fragment and something else', all(moof, mdat, Buffer.alloc(20, 0xee)), 'torn'],
    ['a size of 64 bits that is too small', all(moof, large('mdat', 50, 15)), 'torn'],
    ['a size of 64 bits that is cut off', all(moof, large('mdat', 50, 2 ** 50)), 'torn'],
    ['a size that is smaller than its header', all(moof, Buffer.from('\0\0\0\x07mdat')), 'torn'],
  ])('%s, in chunks of any size', (_, content, verdict) => {
    for (const chunk of [1, 3, 7, 8, 13, 1_000]) expect(verdictOf('m4s', content, chunk)).toBe(verdict);
  });

  test('all its extensions are looked at', () => {
    for (const extension of ['m4s', 'mp4', 'm4a', 'm4v', 'cmfv', 'cmfa'])
      expect(verdictOf(extension, Buffer.from('junk'))).toBe('not_mp4');
  });

  test('encrypted bytes are never taken for boxes that were cut off', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 64 }), (content) => {
        expect(verdictOf('m4s', Buffer.from(content))).toBe('not_mp4');
      }),
    );
  });

  test('an init section has a moov', () => {
    expect(faultOfInit('mp4', all(box('ftyp'), moov))).toBeUndefined();
    expect(faultOfInit('m4s', all(box('ftyp'), moov, moof, mdat))).toBeUndefined();
    expect(faultOfInit('mp4', Buffer.from('hello'))).toMatch(/no MP4/);
    expect(faultOfInit('mp4', all(moof, mdat))).toMatch(/no moov/);
    expect(faultOfInit('mp4', all(box('ftyp'), moov.subarray(0, -1)))).toMatch(/whole/);
    expect(faultOfInit('ts', Buffer.from('hello'))).toBeUndefined();
  });
});

test.each<[string, string | number[], Verdict]>([
  ['vtt', '', 'empty'],
  ['vtt', 'hello', 'not_webvtt'],
  ['vtt', 'WEBVT', 'not_webvtt'],
  ['vtt', 'WEBVTT\n', 'ok'],
  ['webvtt', '\xef\xbb\xbfWEBVTT\n\n', 'ok'],
  ['aac', 'hello', 'not_audio'],
  ['aac', [0xff], 'not_audio'],
  ['aac', [0xff, 0xf1, 0x50], 'ok'],
  ['aac', [0xff, 0xe3, 0x50], 'not_audio'],
  ['aac', 'ID3\x04', 'ok'],
  ['mp3', [0xff, 0xfb, 0x90], 'ok'],
  ['mp3', [0xff, 0xe3, 0x90], 'ok'],
  ['mp3', 'RIFF', 'not_audio'],
  ['ac3', [0x0b, 0x77, 0], 'ok'],
  ['ec3', [0x0b, 0x77, 0], 'ok'],
  ['ec3', [0x77, 0x0b, 0], 'not_audio'],
  ['ac3', 'ID3\x04', 'ok'],
])('.%s with %j is %s', (extension, content, verdict) => {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : Buffer.from(content);
  for (const chunk of [1, 2, 100]) expect(verdictOf(extension, bytes, chunk)).toBe(verdict);
});

test('what may be encrypted, or an init section, is for the playlist to tell', () => {
  expect(mayBeMeant('not_mp4', 32)).toBe(true);
  expect(mayBeMeant('not_audio', 33)).toBe(false);
  expect(mayBeMeant('no_media', 33)).toBe(true);
  expect(mayBeMeant('torn', 32)).toBe(false);
  expect(mayBeMeant('empty', 0)).toBe(false);
});

test('a key is not looked at', () => {
  expect(checkOf('key')).toBeUndefined();
});
