import fc from 'fast-check';

const uri = fc.constantFrom(
  'a.m3u8',
  'b/c.m3u8',
  'd.m3u8?x=1&y=,',
  'e.m3u8',
  'https://f.example/g.m3u8',
  '{}',
  'h',
);
const group = fc.constantFrom('a', 'b', 'c, d');
const types = ['AUDIO', 'VIDEO', 'SUBTITLES', 'CLOSED-CAPTIONS'];
const attributes = (...all: readonly (string | null)[]) => all.filter((one) => one !== null).join(',');
const maybe = (one: fc.Arbitrary<string>) => fc.option(one, { freq: 2 });

const naming = fc
  .tuple(
    ...types.map((type) => maybe(group.map((id) => `${type}="${id}"`))),
    maybe(fc.constant('CLOSED-CAPTIONS=NONE')),
  )
  .map(([audio, video, subtitles, captions, none]) =>
    attributes(audio!, video!, subtitles!, captions ?? none!),
  );

const variant = fc
  .tuple(
    fc.nat(9_999_999),
    maybe(fc.constant('CODECS="avc1.64001f,mp4a.40.2"')),
    maybe(fc.constant('RESOLUTION=640x360,FRAME-RATE=25.000')),
    naming,
    uri,
  )
  .map(([bandwidth, codecs, resolution, groups, where]) => [
    `#EXT-X-STREAM-INF:${attributes(`BANDWIDTH=${bandwidth}`, codecs, resolution, groups || null)}`,
    where,
  ]);

const rendition = fc
  .tuple(
    fc.constantFrom(...types),
    group,
    fc.constantFrom('English', 'Ελληνικά', 'a, b', 'URI=', 'GROUP-ID=', '{}'),
    maybe(uri),
    fc.boolean(),
  )
  .map(([type, id, name, where, last]) => {
    const named = where === null ? null : `URI="${where}"`;
    return [
      `#EXT-X-MEDIA:TYPE=${type},${attributes(last ? null : named, `GROUP-ID="${id}"`, `NAME="${name}"`, last ? named : null)}`,
    ];
  });

const iFrames = fc
  .tuple(uri, naming)
  .map(([where, groups]) => [
    `#EXT-X-I-FRAME-STREAM-INF:${attributes('BANDWIDTH=1', `URI="${where}"`, groups || null)}`,
  ]);

const other = fc
  .constantFrom(
    '#EXT-X-INDEPENDENT-SEGMENTS',
    '#EXT-X-START:TIME-OFFSET=-6',
    '#EXT-X-SESSION-DATA:DATA-ID="a",VALUE="b, c"',
    '#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://a",KEYFORMAT="b"',
    '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="{}",KEYFORMAT="identity"',
    '#EXT-X-DEFINE:NAME="n",VALUE="{$v}"',
    '# a comment',
    '#EXT-X-OWN:"',
  )
  .map((line) => [line]);

/** Lines of multivariant playlists in the form that LiveMix writes; at least one variant. */
export const anyMultivariant: fc.Arbitrary<readonly string[]> = fc
  .tuple(
    fc.array(fc.oneof(variant, variant, rendition, rendition, iFrames, other), { maxLength: 9 }),
    variant,
    fc.array(fc.oneof(variant, rendition, other), { maxLength: 2 }),
  )
  .map(([before, one, behind]) => ['#EXTM3U', '#EXT-X-VERSION:6', ...[...before, one, ...behind].flat()]);
