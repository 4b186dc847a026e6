import { expect, test } from 'vitest';
import { parsePlaylist } from './parse.ts';
import { renderMultivariant } from './render-multivariant.ts';
import { namesOwnKeys, withSessionKeys } from './session-keys.ts';

const lines = (...all: string[]) => `${all.join('\n')}\n`;
const multivariant = (...session: string[]) =>
  lines('#EXTM3U', ...session, '#EXT-X-STREAM-INF:BANDWIDTH=1', 'a.m3u8', '# twice', '# twice');

/** As the edge keeps it. */
function kept(text: string): string {
  const playlist = parsePlaylist(text);
  if (playlist.kind !== 'multivariant') throw new Error('it was read as a media playlist');
  return renderMultivariant(playlist, (uri) => uri);
}

const first = '#EXT-X-KEY:METHOD=AES-128,URI="../../m/s/a/1-first.key",IV=0x01';
const second = '#EXT-X-KEY:METHOD=AES-128,URI="../../m/s/a/2-second.key",IV=0x02,KEYFORMAT="identity"';
const other = '#EXT-X-KEY:METHOD=AES-128,URI="../../m/s/b/1-$&.key",IV=0x01';
const sample = '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="../../m/s/c/1-third.key"';
const media = (...keys: string[]) => lines('#EXTM3U', ...keys, '#EXTINF:1,', 'x.ts');

test('a session key beside its playlist is named where the newest of its kind are, each once', () => {
  const text = kept(
    multivariant(
      '#EXT-X-SESSION-KEY: METHOD=AES-128 , URI="keys/a.bin" , X-URI="{}"',
      '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="keys/b.bin",KEYFORMAT="identity"',
      '#EXT-X-SESSION-KEY:URI="keys/c.bin",X-URI="{}",METHOD=SAMPLE-AES',
    ),
  );
  expect(namesOwnKeys(text)).toBe(true);
  expect(
    withSessionKeys(text, [media(first, second), media(second), media(other), media(sample), media()]),
  ).toBe(
    multivariant(
      '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="../../m/s/a/2-second.key",X-URI="{}"',
      '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="../../m/s/b/1-$&.key",X-URI="{}"',
      '#EXT-X-SESSION-KEY:URI="../../m/s/c/1-third.key",X-URI="{}",METHOD=SAMPLE-AES',
    ),
  );
});

test('it is left out where there is no such key, and keys elsewhere are none of its own', () => {
  const elsewhere = '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="https://keys.example/1"';
  const text = kept(
    multivariant(
      '#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="a.bin"',
      '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="a.bin",KEYFORMAT="own"',
      '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="a.bin",KEYFORMATVERSIONS="1/2"',
      '#EXT-X-SESSION-KEY:broken',
      elsewhere,
    ),
  );
  const absolute = '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://a"';
  expect(
    withSessionKeys(text, [media(first, absolute), '# a\u2028#EXT-X-KEY:METHOD=SAMPLE-AES,URI="b"']),
  ).toBe(multivariant(elsewhere));
  expect(namesOwnKeys(multivariant(elsewhere))).toBe(false);
});
