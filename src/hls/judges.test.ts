import { createRequire } from 'node:module';
import fc from 'fast-check';
import * as HLS from 'hls-parser';
import { beforeAll, describe, expect, test } from 'vitest';
import { anyMultivariant } from './multivariants-for-test.ts';
import { parseMediaPlaylist, parsePlaylist } from './parse.ts';
import {
  anyMediaPlaylist,
  type ModelLine,
  type ModelPlaylist,
  type ModelSegment,
  writeModel,
} from './playlists-for-test.ts';
import { withOnly } from './render-multivariant.ts';
import { type NeedingSegment, withNeeds } from './segment-needs.ts';

/** m3u8-parser comes without types; these are of what is used here. */
const { Parser }: { Parser: new () => M3u8Parser } = createRequire(import.meta.url)('m3u8-parser');
type M3u8Parser = { push(text: string): void; end(): void; readonly manifest: M3u8 };
type M3u8 = {
  readonly targetDuration: number;
  readonly mediaSequence: number;
  readonly discontinuitySequence: number;
  readonly endList?: boolean;
  readonly segments: readonly {
    readonly uri: string;
    readonly duration: number;
    readonly title?: string;
    readonly timeline: number;
    readonly discontinuity?: boolean;
    readonly dateTimeObject?: Date;
    readonly byterange?: { readonly length: number; readonly offset: number };
    readonly map?: { readonly uri: string };
    readonly key?: { readonly method: string; readonly uri: string };
  }[];
  readonly playlists?: readonly { readonly uri: string }[];
  readonly iFramePlaylists: readonly { readonly uri: string }[];
  readonly mediaGroups?: Readonly<Record<string, Record<string, Record<string, { readonly uri?: string }>>>>;
};

beforeAll(() => HLS.setOptions({ strictMode: true }));

function byM3u8Parser(text: string): M3u8 {
  const parser = new Parser();
  parser.push(text);
  parser.end();
  return parser.manifest;
}

/** What all three can do: `differences` has the rest. */
const common = anyMediaPlaylist.map(
  (model): ModelPlaylist => ({
    ...model,
    targetDuration: 20,
    style: { ...model.style, byteOrderMark: false },
    segments: model.segments.map(commonSegment),
  }),
);

/** hls-parser takes a title for bytes of UTF-8, one a character. */
function commonSegment({ title = '', ...segment }: ModelSegment): ModelSegment {
  const plain = title.replaceAll('é', 'e');
  return { ...segment, ...(plain && { title: plain }), lines: segment.lines.flatMap(commonLine) };
}

function commonLine(line: ModelLine): readonly ModelLine[] {
  if (line.kind === 'dates' || line.kind === 'tag') return [];
  if (line.kind === 'map') return [{ ...line, text: line.text.replace(/,X-.*/, '') }];
  if (line.kind !== 'key' || line.key === undefined) return [line];
  if (line.key.format !== 'identity' || /SAMPLE-AES-CTR/.test(line.text)) return [];
  const text = line.text.replace(/IV=0x([0-9a-f]+)/, (_, iv: string) => `IV=0x${iv.padStart(32, '0')}`);
  return [{ ...line, text: text.replace(/,X-.*/, '') }];
}

/** What is compared of a segment. */
const said = (segment: NeedingSegment, discontinuitySequence: number) => ({
  uri: segment.uri,
  duration: segment.duration,
  title: segment.title,
  discontinuity: segment.discontinuity,
  discontinuitySequence,
  at: segment.programDateTime,
  range: segment.range,
  map: segment.map?.uri,
  key: segment.keys && {
    method: /METHOD=([^,]+)/.exec(segment.keys[0]!.line)![1],
    uri: segment.keys[0]!.uri,
  },
});

function ours(text: string) {
  const playlist = parseMediaPlaylist(text);
  let discontinuitySequence = playlist.discontinuitySequence;
  return withNeeds(playlist).map((segment) => {
    if (segment.discontinuity) discontinuitySequence += 1;
    return said(segment, discontinuitySequence);
  });
}

const keyOf = (key: { readonly method: string; readonly uri?: string } | null | undefined) =>
  key === undefined || key === null || key.method === 'NONE'
    ? undefined
    : { method: key.method, uri: key.uri };

describe('a media playlist is read as others read it', () => {
  test('by hls-parser, in strict mode', () => {
    fc.assert(
      fc.property(common, (model) => {
        const text = writeModel(model);
        const playlist = HLS.parse(text) as HLS.types.MediaPlaylist;
        expect([playlist.mediaSequenceBase, playlist.targetDuration, playlist.endlist]).toEqual([
          model.mediaSequence,
          20,
          model.endList,
        ]);
        const theirs = playlist.segments.map((segment) => ({
          uri: segment.uri,
          duration: segment.duration,
          title: segment.title || undefined,
          discontinuity: segment.discontinuity ?? false,
          discontinuitySequence: segment.discontinuitySequence,
          at: segment.programDateTime?.getTime(),
          range: segment.byterange,
          map: segment.map?.uri,
          key: keyOf(segment.key),
        }));
        expect(theirs).toEqual(ours(text));
        expect(playlist.segments.map(({ gap }) => gap ?? false)).toEqual(
          model.segments.map(({ gap }) => gap),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  test('by m3u8-parser', () => {
    fc.assert(
      fc.property(common, (model) => {
        const text = writeModel(model);
        const manifest = byM3u8Parser(text);
        expect(manifest.endList ?? false).toBe(model.endList);
        if (model.segments.length === 0) return;
        expect(manifest.mediaSequence).toBe(model.mediaSequence);
        const theirs = manifest.segments.map((segment) => ({
          uri: segment.uri,
          duration: segment.duration,
          title: segment.title || undefined,
          discontinuity: segment.discontinuity ?? false,
          discontinuitySequence: segment.timeline,
          at: segment.dateTimeObject?.getTime(),
          range: segment.byterange,
          map: segment.map?.uri,
          key: keyOf(segment.key),
        }));
        expect(theirs).toEqual(ours(text));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a multivariant playlist is read as others read it', () => {
  const namedIn = (text: string, ...kinds: readonly string[]) => {
    const playlist = parsePlaylist(text);
    if (playlist.kind !== 'multivariant') throw new Error('it was taken for a media playlist');
    return playlist.entries.filter(({ kind }) => kinds.includes(kind)).map(({ uri }) => uri);
  };

  test('by hls-parser, in strict mode, which takes no rendition without URI and no variant whose group there is not', () => {
    fc.assert(
      fc.property(anyMultivariant, (lines) => {
        const groupless = lines.filter((line) =>
          /^[^#]|^#EXT(M3U|-X-VERSION|-X-(I-FRAME-)?STREAM-INF)/.test(line),
        );
        const text = withOnly(`${groupless.join('\n')}\n`, () => true)!;
        const named = HLS.parse(text) as HLS.types.MasterPlaylist;
        expect(named.variants.map(({ uri }) => uri)).toEqual(namedIn(text, 'variant', 'i-frames'));
      }),
      { numRuns: 1_000 },
    );
  });

  test('by m3u8-parser', () => {
    fc.assert(
      fc.property(anyMultivariant, (lines) => {
        const text = `${lines.join('\n')}\n`;
        const manifest = byM3u8Parser(text);
        expect(manifest.playlists!.map(({ uri }) => uri)).toEqual(namedIn(text, 'variant'));
        expect(manifest.iFramePlaylists.map(({ uri }) => uri)).toEqual(namedIn(text, 'i-frames'));
      }),
      { numRuns: 1_000 },
    );
  });
});

const HEAD = '#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:4\n';
const SEGMENT = '#EXTINF:4,\na.ts\n';
const refused = 'refused';

/**
 * Where the three differ, and why LiveMix reads as it does: an encoder's sin that does no harm is mended, one that would
 * number, time or decrypt segments wrongly is refused. Of what is read, the part in question is shown.
 */
const differences: Record<string, { text: string; us: unknown; hlsParser: unknown; m3u8Parser: unknown }> = {
  'no target duration (the edge has its own)': {
    text: `#EXTM3U\n${SEGMENT}`,
    us: 4,
    hlsParser: refused,
    m3u8Parser: 4,
  },
  'a segment longer than the target duration (it is raised)': {
    text: `${HEAD}#EXTINF:6,\na.ts\n`,
    us: 6,
    hlsParser: refused,
    m3u8Parser: 6,
  },
  'a version too low for what is used (the list that is served has its own)': {
    text: `${HEAD.replace('8', '3')}#EXT-X-MAP:URI="i"\n${SEGMENT}`,
    us: 'i',
    hlsParser: refused,
    m3u8Parser: 'i',
  },
  'an IV of fewer than 32 digits (it is a number, RFC 8216 §4.2)': {
    text: `${HEAD}#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0x1\n${SEGMENT}`,
    us: 'k',
    hlsParser: refused,
    m3u8Parser: refused,
  },
  'white space in an attribute list (it is left out)': {
    text: `${HEAD}#EXT-X-MAP: URI="i" , X=1\n${SEGMENT}`,
    us: 'i',
    hlsParser: 'i',
    m3u8Parser: refused,
  },
  'a sequence number behind the first segment (numbers are made whole last)': {
    text: `${HEAD}${SEGMENT}#EXT-X-MEDIA-SEQUENCE:9\n`,
    us: 4,
    hlsParser: refused,
    m3u8Parser: 4,
  },
  'two sequence numbers (either would be a guess)': {
    text: `${HEAD}#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-MEDIA-SEQUENCE:2\n${SEGMENT}`,
    us: refused,
    hlsParser: refused,
    m3u8Parser: 4,
  },
  'a duration below 0 (no segment has one)': {
    text: `${HEAD}#EXTINF:-4,\na.ts\n`,
    us: refused,
    hlsParser: -4,
    m3u8Parser: 4,
  },
  'an EXTINF without URI (the playlist was cut off)': {
    text: `${HEAD}#EXTINF:4,\n`,
    us: refused,
    hlsParser: 4,
    m3u8Parser: undefined,
  },
  'a byte range that leans on nothing': {
    text: `${HEAD}#EXT-X-BYTERANGE:5\n${SEGMENT}`,
    us: refused,
    hlsParser: refused,
    m3u8Parser: 0,
  },
  'a byte range of nothing': {
    text: `${HEAD}#EXT-X-BYTERANGE:0@0\n${SEGMENT}`,
    us: refused,
    hlsParser: 0,
    m3u8Parser: 0,
  },
  'keys of two systems (both are in force; others keep the last)': {
    text: `${HEAD}#EXT-X-KEY:METHOD=SAMPLE-AES,URI="a",KEYFORMAT="x"\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI="b",KEYFORMAT="y"\n${SEGMENT}`,
    us: 'a b',
    hlsParser: 'b',
    m3u8Parser: 'b',
  },
  'an apostrophe in an attribute (hls-parser takes it for a quote, and what follows for more of it)': {
    text: `${HEAD}#EXT-X-MAP:URI="i",X-A="it's",X-B="a,URI="\n${SEGMENT}`,
    us: 'i',
    hlsParser: '',
    m3u8Parser: 'i',
  },
  'a gap (m3u8-parser does not know it)': {
    text: `${HEAD}#EXT-X-GAP\n${SEGMENT}`,
    us: 'gap',
    hlsParser: 'gap',
    m3u8Parser: 4,
  },
  'tags of both kinds (rule P3)': {
    text: `${HEAD}${SEGMENT}#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n`,
    us: refused,
    hlsParser: refused,
    m3u8Parser: 4,
  },
};

type Shown = {
  readonly duration: number;
  readonly gap?: boolean;
  readonly map?: { readonly uri: string } | null;
  readonly key?: { readonly uri?: string } | null;
  readonly keys?: readonly { readonly uri: string }[];
  readonly byterange?: { readonly offset: number };
};

/** The part of the first segment that its playlist is about. */
function shown(read: () => readonly Shown[]): unknown {
  try {
    const segment = read()[0];
    if (segment === undefined) return undefined;
    const keys = segment.keys?.map(({ uri }) => uri).join(' ');
    const gap = segment.gap === true ? 'gap' : undefined;
    return (
      keys ?? segment.map?.uri ?? segment.key?.uri ?? segment.byterange?.offset ?? gap ?? segment.duration
    );
  } catch {
    return refused;
  }
}

test.each(Object.entries(differences))('known to differ: %s', (_, { text, us, hlsParser, m3u8Parser }) => {
  expect({
    us: shown(() => withNeeds(parseMediaPlaylist(text))),
    hlsParser: shown(() => (HLS.parse(text) as HLS.types.MediaPlaylist).segments as readonly Shown[]),
    m3u8Parser: shown(() => byM3u8Parser(text).segments),
  }).toEqual({ us, hlsParser, m3u8Parser });
});

test('known to differ: a date-time without a zone names no moment; others take it for one of where they run', () => {
  const text = `${HEAD}#EXT-X-PROGRAM-DATE-TIME:2026-11-23T07:36:04.805\n${SEGMENT}`;
  expect(parseMediaPlaylist(text).segments[0]).not.toHaveProperty('programDateTime');
  const local = new Date('2026-11-23T07:36:04.805');
  expect((HLS.parse(text) as HLS.types.MediaPlaylist).segments[0]!.programDateTime).toEqual(local);
  expect(byM3u8Parser(text).segments[0]!.dateTimeObject).toEqual(local);
});
