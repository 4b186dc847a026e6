import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KIB } from '../media/units.ts';
import { anyMultivariant } from './multivariants-for-test.ts';
import { parsePlaylist } from './parse.ts';
import { PlaylistError } from './playlist-error.ts';
import { anyMediaPlaylist, writeModel } from './playlists-for-test.ts';
import { withNeeds } from './segment-needs.ts';

const RUNS = 10_000;
const WITHIN = 60_000;

/** What is not read is refused, with a line that there is. */
function readsOrRefuses(body: string | Uint8Array): void {
  try {
    const playlist = parsePlaylist(body);
    if (playlist.kind === 'media') withNeeds(playlist);
  } catch (error) {
    if (!(error instanceof PlaylistError)) throw error;
    const text = typeof body === 'string' ? body : Buffer.from(body).toString('latin1');
    const lines = text.split('\n').length;
    if (!(error.line >= 1 && error.line <= lines)) expect([error.line, error.message]).toEqual([lines, text]);
    if (!error.message.startsWith(`line ${error.line}: `)) expect(error.message).toBe('with its line');
  }
}

const playlists = fc.oneof(
  anyMediaPlaylist.map(writeModel),
  anyMultivariant.map((lines) => `${lines.join('\n')}\n`),
);

/** Lines that mean something wherever they come to stand, and some that hardly do. */
const strayLine = fc.constantFrom(
  '',
  '#EXTM3U',
  '#EXTINF',
  '#EXTINF:',
  '#EXTINF:4',
  '#EXTINF:1e9,',
  'a.ts',
  '\r',
  '#EXT-X-ENDLIST',
  '#EXT-X-MEDIA-SEQUENCE:9007199254740991',
  '#EXT-X-DISCONTINUITY-SEQUENCE:x',
  '#EXT-X-BYTERANGE:1',
  '#EXT-X-BYTERANGE:999999999999999@999999999999999',
  '#EXT-X-MAP',
  '#EXT-X-MAP:URI="a",BYTERANGE="1"',
  '#EXT-X-KEY:METHOD=AES-128,URI="a",URI="b"',
  '#EXT-X-KEY:,',
  '#EXT-X-DATERANGE:ID="a",START-DATE="2026-02-30T00:00:00Z"',
  '#EXT-X-PROGRAM-DATE-TIME:9999-12-31T23:59:59.999-14:00',
  '#EXT-X-PROGRAM-DATE-TIME:-1',
  '#EXT-X-STREAM-INF:BANDWIDTH=1',
  '#EXT-X-STREAM-INF:BANDWIDTH=1,',
  '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="b",URI="c"',
  '#EXT-X-MEDIA',
  '#EXT-X-I-FRAME-STREAM-INF:URI="a",BANDWIDTH=2',
  '#EXT-X-I-FRAMES-ONLY',
  '#EXT-X-START:TIME-OFFSET=9999999999999',
  'é'.repeat(1_400),
  `#${'x'.repeat(4_096)}`,
);

/** What happens to text on its way, or in an encoder that is wrong. */
const mutation: fc.Arbitrary<(text: string, at: number) => string> = fc.oneof(
  strayLine.map((line) => (text: string, at: number) => {
    const lines = text.split('\n');
    lines.splice(at % (lines.length + 1), 0, line);
    return lines.join('\n');
  }),
  fc.constant((text: string, at: number) => {
    const lines = text.split('\n');
    lines.splice(at % lines.length, 1);
    return lines.join('\n');
  }),
  fc.constant((text: string, at: number) => {
    const lines = text.split('\n');
    const [line] = lines.splice(at % lines.length, 1);
    lines.splice((at * 7) % (lines.length + 1), 0, line!);
    return lines.join('\n');
  }),
  fc
    .constantFrom('"', ',', '=', ':', '\n', '\r', '\0', '#', '@', '-', '\uFEFF', '\uD800', ' ', '9')
    .map((character) => (text: string, at: number) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + character + text.slice(place + (at % 2));
    }),
  fc.constant((text: string, at: number) => text.slice(0, at % (text.length + 1))),
);

describe('whatever comes is read, or refused with a line that there is', () => {
  test('good playlists that were changed', { timeout: WITHIN }, () => {
    fc.assert(
      fc.property(playlists, fc.array(fc.tuple(mutation, fc.nat(1e6)), { maxLength: 4 }), (text, all) => {
        readsOrRefuses(all.reduce((changed, [change, at]) => change(changed, at), text));
      }),
      { numRuns: RUNS },
    );
  });

  test('halves of two playlists', { timeout: WITHIN }, () => {
    fc.assert(
      fc.property(playlists, playlists, fc.nat(1e6), (one, other, at) => {
        readsOrRefuses(one.slice(0, at % (one.length + 1)) + other.slice((at * 3) % (other.length + 1)));
      }),
      { numRuns: RUNS / 10 },
    );
  });

  test('bytes behind a good beginning', { timeout: WITHIN }, () => {
    const beginning = Buffer.from('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(beginning.length), (bytes, at) => {
        readsOrRefuses(Buffer.concat([beginning.subarray(0, at), bytes]));
      }),
      { numRuns: RUNS },
    );
  });

  test('text of any characters', { timeout: WITHIN }, () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        readsOrRefuses(text);
        readsOrRefuses(`#EXTM3U\n${text}`);
      }),
      { numRuns: RUNS },
    );
  });
});

const playlistOf = (head: string, entry: (at: number) => string, size: number): Buffer => {
  let text = `#EXTM3U\n${head}`;
  for (let at = 0; text.length < size; at++) text += entry(at);
  return Buffer.from(text);
};

/** Playlists of any size: what a reader could be slow at grows with them. */
const growing: Record<string, [head: string, entry: (at: number) => string]> = {
  'plain segments': ['', (at) => `#EXTINF:2.000000,\nsegment-${at}-of-a-day.ts\n`],
  'date-times': [
    '',
    (at) =>
      `#EXTINF:2.0,\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T07:36:04.${at}+0000\nsegment-of-a-day-${at}.ts\n`,
  ],
  'a key and a map each': [
    '',
    (at) => `#EXT-X-KEY:METHOD=AES-128,URI="k${at}"\n#EXT-X-MAP:URI="i${at}"\n#EXTINF:2,\ns${at}.m4s\n`,
  ],
  'parts of one file': ['', () => '#EXTINF:2,\n#EXT-X-BYTERANGE:100@200\none-file-for-all-of-it.ts\n'],
  'date ranges that follow each other': [
    '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n',
    (at) =>
      `#EXT-X-DATERANGE:ID="${at}",START-DATE="${new Date(1_767_225_600_000 + at * 2_000).toISOString()}",DURATION=3\n#EXTINF:2,\ns.ts\n`,
  ],
  'comments before one segment each': [
    '',
    (at) => `# ${at}\n# ${at}\n#EXTINF:2,\nsegment-of-a-day-${at}.ts\n`,
  ],
  'attributes that are none': ['', (at) => `#EXT-X-OWN:${'A='.repeat(200)}${at}\n#EXTINF:2,\ns.ts\n`],
  'a multivariant playlist’s comments': [
    '#EXT-X-STREAM-INF:BANDWIDTH=1\na\n',
    () => `#${'x'.repeat(4_000)}\n`,
  ],
};

/**
 * A MiB is held against 32 texts of 32 KiB whose values are kept: the same work, and as much for the garbage collector.
 * Reading that grows with the square of the text takes 32 times as long. The bench (`bench/playlist.mjs`) has the goal.
 */
test.each(Object.entries(growing))('%s: reading grows with the text, no faster', (_, [head, entry]) => {
  const small = playlistOf(head, entry, 32 * KIB);
  const large = playlistOf(head, entry, 1024 * KIB);
  const time = (body: Buffer, times: number) => {
    const startedAt = performance.now();
    const read = Array.from({ length: times }, () => {
      const playlist = parsePlaylist(body);
      return playlist.kind === 'media' ? withNeeds(playlist) : playlist.entries;
    });
    expect(read.flat().length).toBeGreaterThan(0);
    return performance.now() - startedAt;
  };
  const rounds = [0, 1, 2].map(() => ({ apart: time(small, 32), whole: time(large, 1) }));
  const least = (of: 'apart' | 'whole') => Math.min(...rounds.map((round) => round[of]));
  expect(least('whole') / least('apart')).toBeLessThan(6);
});
