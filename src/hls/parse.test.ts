import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MediaPlaylistSegment } from './media-playlist.ts';
import { MAX_SEGMENTS, MAX_TAGS, parseMediaPlaylist } from './parse.ts';
import { PlaylistError } from './playlist-error.ts';

const lines = (...all: string[]) => `${all.join('\n')}\n`;
const bytesOf = (text: string) => new TextEncoder().encode(text);

const segment = (over: Record<string, unknown>) => ({ discontinuity: false, gap: false, tags: [], ...over });

/** What encoders wrote, and what it says. */
const readable: Record<string, { text: string; says: Record<string, unknown> }> = {
  'ffmpeg -f hls, at its end': {
    text: lines(
      '#EXTM3U',
      '#EXT-X-VERSION:3',
      '#EXT-X-TARGETDURATION:2',
      '#EXT-X-MEDIA-SEQUENCE:0',
      '#EXTINF:2.000000,',
      'a0.ts',
      '#EXTINF:1.000000,',
      'a1.ts',
      '#EXT-X-ENDLIST',
    ),
    says: {
      targetDuration: 2,
      mediaSequence: 0,
      discontinuitySequence: 0,
      endList: true,
      segments: [
        segment({ line: 6, sequence: 0, uri: 'a0.ts', duration: 2 }),
        segment({ line: 8, sequence: 1, uri: 'a1.ts', duration: 1 }),
      ],
    },
  },
  'ffmpeg -hls_flags independent_segments+program_date_time': {
    text: lines(
      '#EXTM3U',
      '#EXT-X-VERSION:6',
      '#EXT-X-TARGETDURATION:2',
      '#EXT-X-MEDIA-SEQUENCE:7',
      '#EXT-X-INDEPENDENT-SEGMENTS',
      '#EXTINF:2.000000,',
      '#EXT-X-PROGRAM-DATE-TIME:2026-11-23T20:08:43.791+0000',
      'c7.ts',
      '#EXTINF:2.000000,',
      '#EXT-X-PROGRAM-DATE-TIME:2026-11-23T21:38:45.791+0130',
      'c8.ts',
    ),
    says: {
      targetDuration: 2,
      mediaSequence: 7,
      discontinuitySequence: 0,
      endList: false,
      head: ['#EXT-X-INDEPENDENT-SEGMENTS'],
      segments: [
        segment({
          line: 8,
          sequence: 7,
          uri: 'c7.ts',
          duration: 2,
          programDateTime: Date.UTC(2026, 10, 23, 20, 8, 43, 791),
        }),
        segment({
          line: 11,
          sequence: 8,
          uri: 'c8.ts',
          duration: 2,
          programDateTime: Date.UTC(2026, 10, 23, 20, 8, 45, 791),
        }),
      ],
    },
  },
  'ffmpeg -hls_flags append_list, restarted': {
    text: lines(
      '#EXTM3U',
      '#EXT-X-VERSION:3',
      '#EXT-X-TARGETDURATION:2',
      '#EXT-X-MEDIA-SEQUENCE:3',
      '#EXTINF:1.000000,',
      'd3.ts',
      '#EXT-X-DISCONTINUITY',
      '#EXTINF:2.000000,',
      'd4.ts',
    ),
    says: {
      targetDuration: 2,
      mediaSequence: 3,
      discontinuitySequence: 0,
      endList: false,
      segments: [
        segment({ line: 6, sequence: 3, uri: 'd3.ts', duration: 1 }),
        segment({ line: 9, sequence: 4, uri: 'd4.ts', duration: 2, discontinuity: true }),
      ],
    },
  },
  'ffmpeg -hls_flags discont_start': {
    text: lines(
      '#EXTM3U',
      '#EXT-X-VERSION:6',
      '#EXT-X-TARGETDURATION:2',
      '#EXT-X-MEDIA-SEQUENCE:0',
      '#EXT-X-DISCONTINUITY',
      '#EXT-X-INDEPENDENT-SEGMENTS',
      '#EXTINF:2.000000,',
      'g0.ts',
    ),
    says: {
      targetDuration: 2,
      mediaSequence: 0,
      discontinuitySequence: 0,
      endList: false,
      head: ['#EXT-X-INDEPENDENT-SEGMENTS'],
      segments: [segment({ line: 8, sequence: 0, uri: 'g0.ts', duration: 2, discontinuity: true })],
    },
  },
  'ffmpeg -f segment: the target duration last': {
    text: lines(
      '#EXTM3U',
      '#EXT-X-VERSION:3',
      '#EXT-X-MEDIA-SEQUENCE:0',
      '#EXT-X-ALLOW-CACHE:YES',
      '#EXT-X-TARGETDURATION:3',
      '#EXTINF:2.021333,',
      'e0.ts',
    ),
    says: {
      targetDuration: 3,
      mediaSequence: 0,
      discontinuitySequence: 0,
      endList: false,
      segments: [segment({ line: 7, sequence: 0, uri: 'e0.ts', duration: 2.021333 })],
    },
  },
  'ffmpeg -hls_segment_type fmp4': {
    text: lines(
      '#EXTM3U',
      '#EXT-X-VERSION:7',
      '#EXT-X-TARGETDURATION:2',
      '#EXT-X-MEDIA-SEQUENCE:0',
      '#EXT-X-MAP:URI="init.mp4"',
      '#EXTINF:2.000000,',
      'f0.m4s',
    ),
    says: {
      targetDuration: 2,
      mediaSequence: 0,
      discontinuitySequence: 0,
      endList: false,
      segments: [
        segment({
          line: 7,
          sequence: 0,
          uri: 'f0.m4s',
          duration: 2,
          tags: ['#EXT-X-MAP:URI="init.mp4"'],
        }),
      ],
    },
  },
  'GStreamer hlssink2: its floats': {
    text: lines('#EXTM3U', '#EXT-X-TARGETDURATION:2', '', '#EXTINF:1.9600000381469727,', 'segment00000.ts'),
    says: {
      targetDuration: 2,
      mediaSequence: 0,
      discontinuitySequence: 0,
      endList: false,
      segments: [segment({ line: 5, sequence: 0, uri: 'segment00000.ts', duration: 1.9600000381469727 })],
    },
  },
  'CRLF, BOM, blank lines, comments, unknown tags, a sequence at the end, none after the last line': {
    text: [
      '\uFEFF#EXTM3U',
      '',
      '#EXT-X-DISCONTINUITY-SEQUENCE:4',
      '# a comment',
      '#EXT-X-GAP',
      '#EXTINF:4.5,a title, with a comma',
      '#EXT-X-KEY:METHOD=AES-128,URI="k"',
      '#CUE-OUT:30',
      '   ',
      'seg.ts  ',
      '#EXT-X-UNKNOWN',
      '#EXT-X-MEDIA-SEQUENCE: 12',
    ].join('\r\n'),
    says: {
      mediaSequence: 12,
      discontinuitySequence: 4,
      endList: false,
      segments: [
        segment({
          line: 10,
          sequence: 12,
          uri: 'seg.ts',
          duration: 4.5,
          title: 'a title, with a comma',
          gap: true,
          tags: ['# a comment', '#EXT-X-KEY:METHOD=AES-128,URI="k"', '#CUE-OUT:30'],
        }),
      ],
    },
  },
  'no segment yet': {
    text: '#EXTM3U',
    says: { mediaSequence: 0, discontinuitySequence: 0, endList: false, segments: [] },
  },
  'the highest number': {
    text: lines('#EXTM3U', '#EXT-X-MEDIA-SEQUENCE:9007199254740991', '#EXTINF:0,', 'a.ts'),
    says: {
      mediaSequence: Number.MAX_SAFE_INTEGER,
      discontinuitySequence: 0,
      endList: false,
      segments: [segment({ line: 4, sequence: Number.MAX_SAFE_INTEGER, uri: 'a.ts', duration: 0 })],
    },
  },
};

describe('a playlist that can be read', () => {
  test.each(Object.entries(readable))('%s', (_, { text, says }) => {
    expect(parseMediaPlaylist(text)).toEqual(says);
    expect(parseMediaPlaylist(bytesOf(text))).toEqual(says);
  });

  test.each([
    ['0', undefined],
    ['', undefined],
    ['abc', undefined],
    ['-4', undefined],
    ['9'.repeat(400), undefined],
    ['4', 4],
    ['4.004', 4],
    ['4.6', 5],
    ['0.2', undefined],
  ])('a target duration of "%s" is the hint %s', (text, expected) => {
    expect(parseMediaPlaylist(`#EXTM3U\n#EXT-X-TARGETDURATION:${text}\n`).targetDuration).toBe(expected);
  });

  test.each<[string[], string[] | undefined]>([
    [
      ['#EXT-X-I-FRAMES-ONLY', '#EXT-X-INDEPENDENT-SEGMENTS', '#EXT-X-I-FRAMES-ONLY'],
      ['#EXT-X-I-FRAMES-ONLY', '#EXT-X-INDEPENDENT-SEGMENTS'],
    ],
    [
      ['#EXT-X-START:TIME-OFFSET=-6.5,PRECISE=YES', '#EXT-X-START:TIME-OFFSET=1'],
      ['#EXT-X-START:TIME-OFFSET=-6.5,PRECISE=YES'],
    ],
    [['#EXT-X-START: TIME-OFFSET=0 , X-OWN="a b"'], ['#EXT-X-START:TIME-OFFSET=0,X-OWN="a b"']],
    [['#EXT-X-START:PRECISE=YES', '#EXT-X-START:TIME-OFFSET="1"', '#EXT-X-START'], undefined],
    [['#EXT-X-START:TIME-OFFSET=x', '#EXT-X-START:TIME-OFFSET=1,X="\u0007"'], undefined],
    [[`#EXT-X-START:TIME-OFFSET=1,X="${'x'.repeat(300)}"`], undefined],
  ])('of the head %j each line that means something is kept, once', (head, kept) => {
    expect(parseMediaPlaylist(lines('#EXTM3U', ...head, '#EXTINF:4,', 'a.ts')).head).toEqual(kept);
  });

  test.each([
    ['2026-11-23T07:36:04.805+0000', '2026-11-23T07:36:04.805Z'],
    ['2026-11-23T07:36:04.805+00:00', '2026-11-23T07:36:04.805Z'],
    ['2026-11-23T07:36:04Z', '2026-11-23T07:36:04.000Z'],
    ['2026-11-23T07:36:04.8Z', '2026-11-23T07:36:04.800Z'],
    ['2026-11-23T07:36:04.805999Z', '2026-11-23T07:36:04.805Z'],
    ['2026-11-23T07:36:04.805-05:30', '2026-11-23T13:06:04.805Z'],
    ['2026-11-23T07:36:04.805', undefined],
    ['2026-13-23T07:36:04.805Z', undefined],
    ['yesterday', undefined],
  ])('the date-time "%s" is %s', (text, expected) => {
    const [only] = parseMediaPlaylist(
      lines('#EXTM3U', '#EXTINF:4,', `#EXT-X-PROGRAM-DATE-TIME:${text}`, 'a.ts'),
    ).segments;
    const read = only?.programDateTime;
    expect(read === undefined ? undefined : new Date(read).toISOString()).toBe(expected);
  });

  test('a line of 4 KiB and a list of 25,000 segments are within the limits', () => {
    const uri = 'é'.repeat(2048);
    expect(parseMediaPlaylist(`#EXTM3U\r\n#EXTINF:4,\r\n${uri}\r\n`).segments[0]?.uri).toBe(uri);
    const full = `#EXTM3U\n${'#EXTINF:4,\na.ts\n'.repeat(MAX_SEGMENTS)}`;
    expect(parseMediaPlaylist(full).segments.at(-1)?.sequence).toBe(MAX_SEGMENTS - 1);
  });
});

const withExtinf = (value: string) => bytesOf(lines('#EXTM3U', '', `#EXTINF:${value}`, 'a.ts'));
const header = (...all: string[]) => bytesOf(lines('#EXTM3U', ...all, '#EXTINF:4,', 'a.ts'));
const binary = (...parts: (string | number[])[]) =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...bytesOf(part)] : part)));

/** Bad input: what it is, the code, the line. */
const unreadable: [string, Uint8Array, string, number][] = [
  ['nothing', bytesOf(''), 'bad_playlist', 1],
  ['only a BOM', bytesOf('\uFEFF'), 'bad_playlist', 1],
  ['a blank line first', bytesOf('\n#EXTM3U\n'), 'bad_playlist', 1],
  ['a space first', bytesOf(' #EXTM3U\n'), 'bad_playlist', 1],
  ['HTML', bytesOf('<!doctype html>\n'), 'bad_playlist', 1],
  ['#EXTM3U8', bytesOf('#EXTM3U8\n'), 'bad_playlist', 1],
  ['Latin-1', binary('#EXTM3U\n#EXTINF:4,\n', [0xe9], '.ts\n'), 'bad_playlist', 3],
  ['a character cut off at the end', binary('#EXTM3U\n#', [0xe2, 0x82]), 'bad_playlist', 2],
  ['UTF-16', binary([0xff, 0xfe], '#\0E\0'), 'bad_playlist', 1],
  ['a NUL', bytesOf('#EXTM3U\n#EXTINF:4,\na\0.ts\n'), 'bad_playlist', 3],
  ['a URI without EXTINF', bytesOf('#EXTM3U\n#EXTINF:4,\na.ts\nb.ts\n'), 'bad_playlist', 4],
  ['an EXTINF without URI', bytesOf('#EXTM3U\n#EXTINF:4,\n#EXTINF:4,\nb.ts\n'), 'bad_playlist', 2],
  ['an EXTINF at the end', bytesOf('#EXTM3U\n#EXTINF:4,\na.ts\n#EXTINF:4,\n'), 'bad_playlist', 4],
  ...['-1,', 'NaN,', 'Infinity,', '', ',', '600.001,', '1e3,', '0x10,', '+4,', '1.2.3,', '4 4,', '٤,'].map(
    (value): [string, Uint8Array, string, number] => [
      `EXTINF "${value}"`,
      withExtinf(value),
      'bad_playlist',
      3,
    ],
  ),
  ['EXTINF without colon', bytesOf('#EXTM3U\n#EXTINF\na.ts\n'), 'bad_playlist', 2],
  ['two MEDIA-SEQUENCEs', header('#EXT-X-MEDIA-SEQUENCE:1', '#EXT-X-MEDIA-SEQUENCE:1'), 'bad_playlist', 3],
  ['sequence 2^53', header('', '#EXT-X-MEDIA-SEQUENCE:9007199254740992'), 'bad_playlist', 3],
  ['sequence of 400 digits', header(`#EXT-X-MEDIA-SEQUENCE:${'9'.repeat(400)}`), 'bad_playlist', 2],
  ['sequence -1', header('#EXT-X-MEDIA-SEQUENCE:-1'), 'bad_playlist', 2],
  ['sequence 1.5', header('#EXT-X-MEDIA-SEQUENCE:1.5'), 'bad_playlist', 2],
  ['an empty sequence', header('#EXT-X-MEDIA-SEQUENCE'), 'bad_playlist', 2],
  [
    'a second segment beyond the highest number',
    header('#EXT-X-MEDIA-SEQUENCE:9007199254740991', '#EXTINF:4,', 'z.ts'),
    'bad_playlist',
    2,
  ],
  [
    'discontinuity sequence 2^53',
    header('#EXT-X-DISCONTINUITY-SEQUENCE:9007199254740992'),
    'bad_playlist',
    2,
  ],
  [
    'a multivariant playlist',
    bytesOf('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n'),
    'bad_playlist',
    2,
  ],
  ['a rendition', bytesOf('#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO\n'), 'bad_playlist', 2],
  ['a URI of 4,097 bytes', bytesOf(`#EXTM3U\n#EXTINF:4,\n${'a'.repeat(4097)}\n`), 'line_too_long', 3],
  ['a URI of 2,049 é', bytesOf(`#EXTM3U\n#EXTINF:4,\n${'é'.repeat(2049)}\n`), 'line_too_long', 3],
  ['a MiB in one line', bytesOf('x'.repeat(1 << 20)), 'line_too_long', 1],
  ['a line of spaces', bytesOf(`#EXTM3U\n${' '.repeat(4097)}\n`), 'line_too_long', 2],
  [
    '25,001 segments',
    bytesOf(`#EXTM3U\n${'#EXTINF:4,\na.ts\n'.repeat(MAX_SEGMENTS + 1)}`),
    'too_many_segments',
    2 * MAX_SEGMENTS + 3,
  ],
  ['100,001 tags', bytesOf(`#EXTM3U\n${'#X\n'.repeat(MAX_TAGS + 1)}`), 'bad_playlist', MAX_TAGS + 2],
];

describe('a playlist that cannot be read says which line, and what to do', () => {
  test.each(unreadable)('%s', (_, body, code, line) => {
    const error = errorOf(body);
    expect(error).toMatchObject({ code, line });
    expect(error.message).toMatch(new RegExp(`^line ${line}: .*(write|post|list|keep|begin|number) `, 's'));
  });

  test('a multivariant playlist is told that a media playlist is wanted', () => {
    expect(errorOf('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n').message).toContain('media playlist');
  });
});

function errorOf(body: Uint8Array | string): PlaylistError {
  try {
    parseMediaPlaylist(body);
  } catch (error) {
    if (error instanceof PlaylistError) return error;
    throw error;
  }
  throw new Error('it was read');
}

/** Lines of a playlist, some of them wrong, in any order: nearer to the reader's branches than random text. */
const anyLine = fc.oneof(
  fc.constantFrom(
    '',
    '#EXTM3U',
    '#EXTINF:4.0,',
    '#EXTINF:4',
    '#EXTINF',
    'a.ts',
    'b.ts\r',
    '#EXT-X-GAP',
    '#EXT-X-DISCONTINUITY',
    '#EXT-X-ENDLIST',
    '#EXT-X-PROGRAM-DATE-TIME:2026-11-23T07:36:04.805+0000',
    '#',
    '#:',
    ':',
    '\0',
  ),
  fc
    .tuple(
      fc.constantFrom(
        '#EXTINF',
        '#EXT-X-MEDIA-SEQUENCE',
        '#EXT-X-DISCONTINUITY-SEQUENCE',
        '#EXT-X-TARGETDURATION',
        '#EXT-X-PROGRAM-DATE-TIME',
        '#EXT-X-KEY',
      ),
      fc.oneof(fc.double().map(String), fc.integer().map(String), fc.string({ unit: 'binary' })),
    )
    .map(([name, value]) => `${name}:${value}`),
  fc.string({ unit: 'binary' }),
);

describe('whatever is posted', () => {
  const readsOrRefuses = (body: Uint8Array | string) => {
    try {
      const { mediaSequence, segments } = parseMediaPlaylist(body);
      segments.forEach((one: MediaPlaylistSegment, index) => {
        expect(one.sequence).toBe(mediaSequence + index);
        expect(one.duration).toBeGreaterThanOrEqual(0);
        expect(one.uri).not.toBe('');
      });
    } catch (error) {
      if (!(error instanceof PlaylistError)) throw error;
      expect(error.line).toBeGreaterThanOrEqual(1);
    }
  };

  test('bytes are read or refused', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), readsOrRefuses), { numRuns: 300 });
  });

  test('lines of a playlist in any order are read or refused, as text and as bytes alike', () => {
    fc.assert(
      fc.property(fc.array(anyLine, { maxLength: 30 }), (all) => {
        const text = `#EXTM3U\n${all.join('\n')}`;
        readsOrRefuses(text);
        readsOrRefuses(bytesOf(text));
      }),
      { numRuns: 500 },
    );
  });

  test('a byte of a good playlist that changed is read or refused', () => {
    const good = bytesOf(readable['ffmpeg -hls_flags independent_segments+program_date_time']!.text);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
        readsOrRefuses(good.with(at, value));
        readsOrRefuses(good.subarray(0, at));
      }),
      { numRuns: 500 },
    );
  });

  /** Each is about a MiB of the line a reader could be slow at. The bound is far above what a linear reader needs. */
  test.each([
    ['segments', '#EXTINF:4.000000,\nsegment-000000.ts\n'],
    ['blank lines', '\n'],
    ['comments', '#X\n'],
    ['tags', '#EXT-X-KEY:METHOD=NONE\n'],
    ['digits', `#EXTINF:${'1'.repeat(4000)}x\n`],
    ['date-times', `#EXT-X-PROGRAM-DATE-TIME:2026-11-23T07:36:04.${'1'.repeat(4000)}x\n`],
    ['white space', `#EXTINF:${' '.repeat(4000)}x\n`],
    ['accents', `#${'é'.repeat(2000)}\n`],
  ])('a MiB of %s is read or refused in linear time', (_, line) => {
    const body = bytesOf(`#EXTM3U\n${line.repeat(Math.floor((1 << 20) / line.length))}`);
    const startedAt = performance.now();
    readsOrRefuses(body);
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});
