import { describe, expect, test } from 'vitest';
import { parseMediaPlaylist, parsePlaylist } from './parse.ts';
import { MAX_RENDITIONS } from './parse-multivariant.ts';
import { PlaylistError } from './playlist-error.ts';
import { multivariantRenditions, renderMultivariant, withOnly } from './render-multivariant.ts';

const lines = (...all: string[]) => `${all.join('\n')}\n`;

function read(text: string) {
  const playlist = parsePlaylist(text);
  if (playlist.kind !== 'multivariant') throw new Error('it was read as a media playlist');
  return playlist;
}
const again = (text: string) => renderMultivariant(read(text), (uri) => uri);

/** What encoders and packagers write. */
const written: Record<string, string> = {
  'ffmpeg -var_stream_map with an audio group': lines(
    '#EXTM3U',
    '#EXT-X-VERSION:3',
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="group_aud",NAME="audio_2",DEFAULT=YES,URI="media_2.m3u8"',
    '#EXT-X-STREAM-INF:BANDWIDTH=985600,RESOLUTION=640x360,CODECS="avc1.f4001e,mp4a.40.2",AUDIO="group_aud"',
    'media_0.m3u8',
    '',
    '#EXT-X-STREAM-INF:BANDWIDTH=435600,RESOLUTION=320x180,CODECS="avc1.f4000d,mp4a.40.2",AUDIO="group_aud"',
    'media_1.m3u8',
    '',
  ),
  'a packager with everything': lines(
    '#EXTM3U',
    '#EXT-X-VERSION:8',
    '# by a packager',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    '#EXT-X-START:TIME-OFFSET=-12',
    '#EXT-X-DEFINE:NAME="n",VALUE="v"',
    '#EXT-X-SESSION-DATA:DATA-ID="com.example.title",VALUE="A title, with a comma",LANGUAGE="en"',
    '#EXT-X-SESSION-DATA:DATA-ID="com.example.more",URI="https://example.com/more.json"',
    '#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://key",KEYFORMAT="com.apple.streamingkeydelivery"',
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English, = main",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2"',
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Deutsch",LANGUAGE="de",URI="audio/de.m3u8?x=1",X-URI="{}"',
    '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="English",URI="s.m3u8",FORCED=NO',
    '#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="c",NAME="CC",INSTREAM-ID="CC1"',
    '#EXT-X-STREAM-INF:BANDWIDTH=1280000,AVERAGE-BANDWIDTH=1000000,FRAME-RATE=25.000,AUDIO="a",SUBTITLES="s",CLOSED-CAPTIONS="c"',
    'low/index.m3u8',
    '#EXT-X-STREAM-INF:BANDWIDTH=2560000,AUDIO="a",CLOSED-CAPTIONS=NONE,X-OWN=0xFF',
    'https://cdn.example/mid.m3u8',
    '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=86000,URI="low/iframes.m3u8",RESOLUTION=640x360',
    '#EXT-X-OWN:anything "at all',
  ),
};

describe('a multivariant playlist', () => {
  test.each(Object.entries(written))('%s: every line stays in its place', (_, text) => {
    expect(again(text)).toBe(text.replaceAll('\n\n', '\n'));
    expect(again(text.replaceAll('\n', '\r\n'))).toBe(again(text));
    expect(again(`\uFEFF${text}`)).toBe(again(text));
  });

  test('tells of each line what it is, and which media playlists it names', () => {
    const entries = read(written['a packager with everything']!).entries;
    expect(entries.filter(({ kind }) => kind !== 'other')).toHaveLength(7);
    expect(entries.find(({ line }) => line === 11)).toEqual({
      line: 11,
      kind: 'rendition',
      tag: '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Deutsch",LANGUAGE="de",URI="{}",X-URI="{}"',
      uri: 'audio/de.m3u8?x=1',
    });
    expect(entries.find(({ line }) => line === 14)).toMatchObject({ kind: 'variant', uri: 'low/index.m3u8' });
    expect(entries.find(({ line }) => line === 13)).not.toHaveProperty('uri');
  });

  test('is written with other URIs, and says which it names, each once', () => {
    const text = renderMultivariant(read(written['a packager with everything']!), (uri) => `x-${uri}$&`);
    expect(multivariantRenditions(text)).toEqual([
      'x-audio/de.m3u8?x=1$&',
      'x-s.m3u8$&',
      'x-low/index.m3u8$&',
      'x-https://cdn.example/mid.m3u8$&',
      'x-low/iframes.m3u8$&',
    ]);
    expect(text).toContain('URI="x-audio/de.m3u8?x=1$&",X-URI="{}"');
    const twice = lines(
      '#EXTM3U',
      ...['a', 'b', 'a'].flatMap((uri) => ['#EXT-X-STREAM-INF:BANDWIDTH=1', uri]),
    );
    expect(multivariantRenditions(twice)).toEqual(['a', 'b']);
  });

  test('loses what nobody could follow from here: session data beside it, content steering, a second version', () => {
    const text = lines(
      '#EXTM3U',
      '#EXT-X-VERSION:6',
      '#EXT-X-VERSION:7',
      '#EXT-X-CONTENT-STEERING:SERVER-URI="/steering"',
      '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="key.bin"',
      '#EXT-X-SESSION-DATA:DATA-ID="a",URI="data.json"',
      '#EXT-X-SESSION-KEY:broken',
      '# a \u0007 bell',
      '#EXT-X-STREAM-INF: BANDWIDTH=1 , CODECS="a" , BANDWIDTH=2',
      '# between',
      'a.m3u8',
    );
    expect(again(text)).toBe(
      lines(
        '#EXTM3U',
        '#EXT-X-VERSION:6',
        '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="{}"',
        '# between',
        '#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="a"',
        'a.m3u8',
      ),
    );
  });

  test('a media playlist is told apart, whatever it holds', () => {
    const text = lines('#EXTM3U', '#EXT-X-MEDIA-SEQUENCE:3', '#EXTINF:2,', 'a.ts');
    expect(parsePlaylist(text)).toEqual({ kind: 'media', ...parseMediaPlaylist(text) });
    expect(parsePlaylist('#EXTM3U')).toMatchObject({ kind: 'media', segments: [] });
  });
});

describe('what there is not yet', () => {
  const text = written['a packager with everything']!;
  const only = (...uris: string[]) => withOnly(text, (uri) => uris.includes(uri))?.split('\n');

  test('is not named: a variant, a rendition, I-frames', () => {
    expect(withOnly(text, () => true)).toBe(text);
    const left = only('low/index.m3u8', 's.m3u8', 'audio/de.m3u8?x=1')!;
    expect(left).toEqual(text.split('\n').filter((line) => !/mid|X-OWN=|I-FRAME/.test(line)));
  });

  test('a group in which nothing is left is named no more, one with a rendition in the variant itself is', () => {
    const [variant] = only('low/index.m3u8')!.filter((line) => line.startsWith('#EXT-X-STREAM'));
    expect(variant).toMatch(/FRAME-RATE=25.000,AUDIO="a",CLOSED-CAPTIONS="c"$/);
    const [mid] = only('https://cdn.example/mid.m3u8')!.filter((line) => line.startsWith('#EXT-X-STREAM'));
    expect(mid).toMatch(/AUDIO="a",CLOSED-CAPTIONS=NONE,X-OWN=0xFF$/);
  });

  test('without any variant there is nothing to watch', () => {
    expect(only('s.m3u8', 'low/iframes.m3u8')).toBeUndefined();
  });
});

const variant = ['#EXT-X-STREAM-INF:BANDWIDTH=1', 'a.m3u8'];
const media = (at: number) => `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="${at}"`;

/** Bad input: what it is, the lines behind #EXTM3U, the code, the line. */
const unreadable: [string, string[], string, number][] = [
  ['segments and variants', [...variant, '#EXTINF:2,', 'a.ts'], 'bad_playlist', 4],
  ['variants behind segments', ['#EXTINF:2,', 'a.ts', ...variant], 'bad_playlist', 4],
  ['a target duration', ['#EXT-X-TARGETDURATION:2', ...variant], 'bad_playlist', 2],
  ['an end', [...variant, '#EXT-X-ENDLIST'], 'bad_playlist', 4],
  ['a variant without URI', ['#EXT-X-STREAM-INF:BANDWIDTH=1', ...variant], 'bad_playlist', 2],
  ['a variant without URI at the end', [...variant, '#EXT-X-STREAM-INF:BANDWIDTH=1'], 'bad_playlist', 4],
  ['a variant without BANDWIDTH', ['#EXT-X-STREAM-INF:CODECS="a"', 'a.m3u8'], 'bad_playlist', 2],
  ['a URI of no variant', [...variant, 'b.m3u8'], 'bad_playlist', 4],
  ['an attribute list that is none', ['#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="a', 'a'], 'bad_playlist', 2],
  ['a rendition without TYPE', [...variant, '#EXT-X-MEDIA:GROUP-ID="a"'], 'bad_playlist', 4],
  ['a rendition without GROUP-ID', [...variant, '#EXT-X-MEDIA:TYPE=AUDIO'], 'bad_playlist', 4],
  ['a rendition with an empty URI', [...variant, `${media(0)},URI=""`], 'bad_playlist', 4],
  ['I-frames without URI', [...variant, '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1'], 'bad_playlist', 4],
  ['a variable in the URI of a variant', [variant[0]!, '{$host}/a.m3u8'], 'bad_playlist', 3],
  ['a variable in the URI of a rendition', [...variant, `${media(0)},URI="{$x}"`], 'bad_playlist', 4],
  ['a carriage return in a URI', [variant[0]!, 'a\rb'], 'bad_playlist', 3],
  ['no variant', [media(0)], 'bad_playlist', 2],
  ['a line of 5,000 characters', [...variant, `#${'x'.repeat(5_000)}`], 'line_too_long', 4],
  ['2,000 comments', [...variant, ...Array<string>(2_000).fill('#')], 'bad_playlist', 1_028],
  [
    '65 variants and renditions',
    [...variant, ...Array.from({ length: MAX_RENDITIONS }, (_, at) => media(at))],
    'too_many_renditions',
    MAX_RENDITIONS + 3,
  ],
];

test.each(unreadable)('%s: refused, with the line', (_, all, code, line) => {
  const text = lines('#EXTM3U', ...all);
  expect(() => parsePlaylist(text)).toThrow(PlaylistError);
  expect(errorOf(text)).toMatchObject({ code, line });
  expect(errorOf(text)?.message).toMatch(new RegExp(`^line ${line}: .*(write|list|keep|post) `));
});

test('64 variants and renditions are within the limit', () => {
  const all = Array.from({ length: MAX_RENDITIONS - 1 }, (_, at) => media(at));
  expect(read(lines('#EXTM3U', ...variant, ...all)).entries).toHaveLength(MAX_RENDITIONS);
});

function errorOf(text: string): PlaylistError | undefined {
  try {
    parsePlaylist(text);
  } catch (error) {
    if (error instanceof PlaylistError) return error;
    throw error;
  }
  return undefined;
}
