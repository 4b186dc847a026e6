import fc from 'fast-check';

/** A line that stands before a segment's URI, and what it means there. */
export type ModelLine =
  | { readonly kind: 'map'; readonly text: string; readonly line: string; readonly uri: string }
  | { readonly kind: 'key'; readonly text: string; readonly key?: ModelKey }
  | { readonly kind: 'range'; readonly text: string; readonly offset: number; readonly length: number }
  | { readonly kind: 'bitrate' | 'dates' | 'tag'; readonly text: string };

/** An EXT-X-KEY with `{}` for its URI; `leansOnNumber`: its IV is the segment's number. */
export type ModelKey = {
  readonly format: string;
  readonly line: string;
  readonly uri: string;
  readonly passes: boolean;
  readonly leansOnNumber: boolean;
};

export type ModelSegment = {
  readonly uri: string;
  readonly duration: number;
  readonly title?: string;
  readonly discontinuity: boolean;
  readonly gap: boolean;
  /** Milliseconds that the encoder stood still before it. */
  readonly pause: number;
  readonly lines: readonly ModelLine[];
  /** How many of its lines stand between EXTINF and URI. */
  readonly behindExtinf: number;
};

/** What an encoder's media playlist says, and how it writes that. */
export type ModelPlaylist = {
  readonly mediaSequence: number;
  readonly discontinuitySequence: number;
  readonly targetDuration: number;
  readonly endList: boolean;
  readonly head: readonly string[];
  /** When the first segment begins; absent: the encoder tells no date-times. */
  readonly beginsAt?: number;
  readonly segments: readonly ModelSegment[];
  readonly style: Style;
};

type Style = {
  readonly crlf: boolean;
  readonly byteOrderMark: boolean;
  readonly blankLines: boolean;
  readonly noLastEnd: boolean;
  readonly zoneWithColon: boolean;
  readonly targetLast: boolean;
};

/** fast-check shrinks to the first; rare ones keep most of a playlist plain. */
const rarely = fc.integer({ min: 0, max: 9 }).map((at) => at === 9);
const name = fc.nat(9_999).map((at) => (at % 2 === 0 ? `f${at}` : `a_longer_file_name-${at}`));
const word = fc.constantFrom('A', 'URI-OF', 'OWN-', 'IV', 'Z9');
/** Nothing here is what it seems. */
const quotable = fc.constantFrom(
  '',
  'é',
  'a, b=c',
  'IV=0x1,URI=',
  '#EXTINF:1',
  '{}',
  '{0}',
  "it's; $& $1",
  '://',
);
const ownAttribute = fc.oneof(
  fc.tuple(word, quotable).map(([key, value]) => `X-${key}="${value}"`),
  fc.tuple(word, fc.nat(99_999)).map(([key, value]) => `X-${key}=${value}`),
);
const ownAttributes = fc
  .uniqueArray(ownAttribute, { maxLength: 2, selector: (one) => one.split('=')[0]! })
  .map((all) => all.map((one) => `,${one}`).join(''));

const map: fc.Arbitrary<ModelLine> = fc.tuple(name, ownAttributes).map(([file, own]) => ({
  kind: 'map',
  text: `#EXT-X-MAP:URI="${file}.mp4"${own}`,
  line: `#EXT-X-MAP:URI="{}"${own}`,
  uri: `${file}.mp4`,
}));

const keyOf = (
  method: string,
  format: string,
  uri: string,
  iv: number | undefined,
  own: string,
): ModelLine => {
  const behind = `${format === 'identity' ? '' : `,KEYFORMAT="${format}"`}${iv === undefined ? '' : `,IV=0x${iv.toString(16)}`}${own}`;
  const line = `#EXT-X-KEY:METHOD=${method},URI="{}"${behind}`;
  const leansOnNumber =
    iv === undefined && (method === 'AES-128' || (method === 'SAMPLE-AES' && format === 'identity'));
  const key = { format, line, uri, passes: /^[a-z]+:/.test(uri), leansOnNumber };
  return { kind: 'key', text: line.replace('{}', () => uri), key };
};
const key: fc.Arbitrary<ModelLine> = fc.oneof(
  fc.constant<ModelLine>({ kind: 'key', text: '#EXT-X-KEY:METHOD=NONE' }),
  fc
    .record({
      method: fc.constantFrom('AES-128', 'SAMPLE-AES', 'SAMPLE-AES-CTR'),
      format: fc.constantFrom('identity', 'urn:uuid:1', 'com.example'),
      uri: fc.oneof(
        name.map((file) => `${file}.key`),
        fc.constantFrom('skd://key', 'https://keys.example/1'),
      ),
      iv: fc.option(fc.integer({ min: 0, max: 2 ** 31 }), { nil: undefined }),
      own: ownAttributes,
    })
    .map(({ method, format, uri, iv, own }) => keyOf(method, format, uri, iv, own)),
);

const range: fc.Arbitrary<ModelLine> = fc
  .record({ offset: fc.nat(1e9), length: fc.integer({ min: 1, max: 1e7 }) })
  .map(({ offset, length }) => ({
    kind: 'range',
    text: `#EXT-X-BYTERANGE:${length}@${offset}`,
    offset,
    length,
  }));

const passing: fc.Arbitrary<ModelLine> = fc
  .oneof(
    fc.constantFrom('# a comment', '#', '#EXTINFX', '# é: "=', '#EXTX:1,2'),
    fc.constantFrom('#EXT-X-CUE-OUT:30.0', '#EXT-X-CUE-IN', '#EXT-OATCLS-SCTE35:/DAlAAAAAAAAAP==', '##'),
    fc.constantFrom('#EXT-X-BITRATE:', '#EXT-X-BITRATE:1.5', '#EXT-X-BITRATES:1'),
    fc.tuple(word, quotable).map(([tag, text]) => `#EXT-X-OWN-${tag}:${text}`.trimEnd()),
  )
  .map((text) => ({ kind: 'tag', text }));

const bitrate: fc.Arbitrary<ModelLine> = fc
  .oneof(fc.nat(9), fc.nat(99_999))
  .map((rate) => ({ kind: 'bitrate', text: `#EXT-X-BITRATE:${rate}` }));

/**
 * A date range from some seconds before the playlist on, as its ID says (rfc8216bis §4.4.5.1: one ID has one
 * START-DATE); it never ends just when a segment begins. Where no date-time
 * tells that one is over, no line speaks of it later.
 */
const dates = (beginsAt: number, ids: number): fc.Arbitrary<ModelLine> =>
  fc
    .record({
      id: fc.nat(ids),
      lasts: fc.option(fc.nat(60)),
      planned: fc.boolean(),
    })
    .map(({ id, lasts, planned }) => {
      const start = new Date(beginsAt - 5_000 + ((id * 17_389) % 65_000)).toISOString();
      const duration = lasts === null ? '' : `,${planned ? 'PLANNED-' : ''}DURATION=${lasts}.0005`;
      return { kind: 'dates', text: `#EXT-X-DATERANGE:ID="${id}",START-DATE="${start}"${duration}` };
    });

const title = fc.constantFrom('A title', ' with, commas,', '#EXTINF:1,', '$& é "="');

const segment = (beginsAt: number | undefined): fc.Arbitrary<ModelSegment> => {
  const anyLine = [
    passing,
    passing,
    map,
    key,
    bitrate,
    beginsAt === undefined ? dates(0, 1e9) : dates(beginsAt, 5),
  ];
  return fc
    .record({
      uri: name.map((file) => `${file}.m4s`),
      duration: fc.integer({ min: 1, max: 20_000 }).map((ms) => ms / 1000),
      discontinuity: rarely,
      gap: rarely,
      title: fc.option(title, { nil: undefined, freq: 3 }),
      pause: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.nat(9_000)),
      own: fc.array(fc.oneof(...anyLine), { maxLength: 3 }),
      part: fc.option(range, { freq: 3 }),
      behindExtinf: fc.nat(4),
    })
    .map(({ own, part, title: said, ...rest }) => ({
      ...rest,
      ...(said !== undefined && { title: said }),
      lines: part === null ? own : [part, ...own],
    }));
};

const independent = '#EXT-X-INDEPENDENT-SEGMENTS';
const head = fc
  .record({ claims: rarely, offset: fc.option(fc.integer({ min: -60, max: 60 }), { freq: 3 }) })
  .map(({ claims, offset }) => [
    ...(claims ? [independent] : []),
    ...(offset === null ? [] : [`#EXT-X-START:TIME-OFFSET=${offset}`]),
  ]);

/** Media playlists as encoders write them, with all that LiveMix passes on. */
export const anyMediaPlaylist: fc.Arbitrary<ModelPlaylist> = fc
  .option(fc.integer({ min: 0, max: 4e12 }), { nil: undefined })
  .chain((beginsAt) =>
    fc.record({
      mediaSequence: fc.oneof(fc.nat(99), fc.integer({ min: 0, max: 2 ** 52 })),
      discontinuitySequence: fc.nat(1e6),
      targetDuration: fc.integer({ min: 1, max: 60 }),
      endList: rarely,
      head,
      segments: fc.array(segment(beginsAt), { maxLength: 7 }),
      style: fc.record({
        crlf: rarely,
        byteOrderMark: rarely,
        blankLines: rarely,
        noLastEnd: rarely,
        zoneWithColon: rarely,
        targetLast: rarely,
      }),
      ...(beginsAt !== undefined && { beginsAt: fc.constant(beginsAt) }),
    }),
  );

/** When each segment begins. */
export function timesOf({ beginsAt, segments }: ModelPlaylist): readonly (number | undefined)[] {
  let at = beginsAt;
  return segments.map(({ pause, duration }) => {
    if (at === undefined) return undefined;
    const begin = at + pause;
    at = begin + Math.round(duration * 1000);
    return begin;
  });
}

/** The playlist as its encoder writes it. */
export function writeModel(playlist: ModelPlaylist): string {
  const { style, segments } = playlist;
  const times = timesOf(playlist);
  const lines = ['#EXTM3U', '#EXT-X-VERSION:8'];
  const target = `#EXT-X-TARGETDURATION:${playlist.targetDuration}`;
  if (!style.targetLast) lines.push(target);
  lines.push(`#EXT-X-MEDIA-SEQUENCE:${playlist.mediaSequence}`);
  lines.push(`#EXT-X-DISCONTINUITY-SEQUENCE:${playlist.discontinuitySequence}`, ...playlist.head);
  if (style.targetLast) lines.push('#EXT-X-ALLOW-CACHE:YES', target);
  for (const [at, { lines: own, behindExtinf, ...one }] of segments.entries()) {
    const all = own.map(({ text }) => text);
    const time = times[at];
    if (time !== undefined) {
      const text = new Date(time).toISOString();
      all.push(`#EXT-X-PROGRAM-DATE-TIME:${style.zoneWithColon ? text : `${text.replace('Z', '')}+0000`}`);
    }
    if (one.gap) all.push('#EXT-X-GAP');
    if (one.discontinuity) lines.push('#EXT-X-DISCONTINUITY');
    const split = Math.max(0, all.length - behindExtinf);
    lines.push(
      ...all.slice(0, split),
      `#EXTINF:${one.duration},${one.title ?? ''}`,
      ...all.slice(split),
      one.uri,
    );
    if (style.blankLines) lines.push('');
  }
  if (playlist.endList) lines.push('#EXT-X-ENDLIST');
  const text = lines.join(style.crlf ? '\r\n' : '\n') + (style.noLastEnd ? '' : '\n');
  return (style.byteOrderMark ? '\uFEFF' : '') + text;
}
