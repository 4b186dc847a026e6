import { expect, test } from 'vitest';
import { parseMediaPlaylist } from './parse.ts';
import { withNeeds } from './segment-needs.ts';

const read = (lines: string) => withNeeds(parseMediaPlaylist(`#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n${lines}`));
const IV7 = 'IV=0x00000000000000000000000000000007';

test('an init section and a key reach to the next; a map keeps the keys it was declared under', () => {
  const [a, b, c, d] = read(`#EXT-X-KEY:METHOD=AES-128,URI="a.key"
#EXT-X-MAP:URI="init.mp4",BYTERANGE="800@0",X-OWN="1"
#EXTINF:2,
a.m4s
#EXTINF:2,
b.m4s
#EXT-X-KEY:METHOD=NONE
#EXTINF:2,
c.m4s
#EXT-X-MAP:URI="other.mp4"
#EXTINF:2,
d.m4s
`);
  const key = { line: `#EXT-X-KEY:METHOD=AES-128,URI="{}",${IV7}`, uri: 'a.key' };
  expect(a!.keys).toEqual([key]);
  expect(a!.map).toEqual({
    line: '#EXT-X-MAP:URI="{}",X-OWN="1"',
    uri: 'init.mp4',
    range: { offset: 0, length: 800 },
    keys: [key],
  });
  expect(b!.keys![0]!.line).toMatch(/IV=0x0{31}8$/);
  expect(c!.keys).toBeUndefined();
  expect(c!.map!.uri).toBe('init.mp4');
  expect(d!.map).toEqual({ line: '#EXT-X-MAP:URI="{}"', uri: 'other.mp4', keys: [] });
  expect(d!.tags).toEqual([]);
});

test('keys of several systems stand beside each other; a URI with a scheme passes', () => {
  const [a] = read(`#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://1",KEYFORMAT="com.apple.streamingkeydelivery"
#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI="data:text/plain;base64,AA==",KEYFORMAT="urn:uuid:1"
#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI="data:text/plain;base64,BB==",KEYFORMAT="urn:uuid:1"
#EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/1",IV=0x01
#EXTINF:2,
a.ts
`);
  expect(a!.keys!.map(({ uri, passes }) => [uri, passes])).toEqual([
    ['skd://1', true],
    ['data:text/plain;base64,BB==', true],
    ['https://keys.example/1', true],
  ]);
});

test('byte ranges: one without an offset goes on behind the one before, in the same resource alone', () => {
  const [a, b] = read(`#EXTINF:2,
#EXT-X-BYTERANGE:100@50
one.ts
#EXT-X-BYTERANGE:30
#EXTINF:2,
one.ts
`);
  expect([a!.range, b!.range]).toEqual([
    { offset: 50, length: 100 },
    { offset: 150, length: 30 },
  ]);
  expect(() => read('#EXTINF:2,\n#EXT-X-BYTERANGE:30\ntwo.ts\n')).toThrow('LENGTH@OFFSET');
});

test('pictures alone bring what stands before the first of them in their resource, where no map does', () => {
  const iFrames = (tag: string) =>
    read(`#EXT-X-I-FRAMES-ONLY
${tag}
#EXTINF:2,
#EXT-X-BYTERANGE:9400@564
one.ts
#EXTINF:2,
#EXT-X-BYTERANGE:8460@20116
one.ts
#EXTINF:2,
#EXT-X-BYTERANGE:9400@0
two.ts
#EXTINF:2,
#EXT-X-BYTERANGE:9400@940000
three.ts
#EXTINF:2,
four.ts
`);
  const atHead = { line: '#EXT-X-MAP:URI="{}"', uri: 'one.ts', range: { offset: 0, length: 564 }, keys: [] };
  expect(iFrames('# none').map(({ map }) => map)).toEqual([atHead, atHead, undefined, undefined, undefined]);
  const own = { line: '#EXT-X-MAP:URI="{}"', uri: 'psi.ts', keys: [] };
  expect(iFrames('#EXT-X-MAP:URI="psi.ts"').map(({ map }) => map)).toEqual(Array(5).fill(own));
  expect(iFrames('#')[4]!.head).toEqual(['#EXT-X-I-FRAMES-ONLY']);
});

test('a date range is told with every segment until it is over; other lines stay where they stand', () => {
  const range = '#EXT-X-DATERANGE:ID="ad",START-DATE="2026-01-01T00:00:00Z",DURATION=5';
  const [a, b, c, d] = read(`# a comment
#EXT-X-CUE-OUT:30
${range}
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z
#EXTINF:2,
a.ts
#EXTINF:2,
b.ts
#EXT-X-PART:URI="x",DURATION=1
#EXTINF:2,
c.ts
#EXTINF:2,
d.ts
`);
  expect(a!.tags).toEqual(['# a comment', '#EXT-X-CUE-OUT:30']);
  expect([a, b, c, d].map((segment) => segment!.ranges)).toEqual([[range], [range], [range], undefined]);
  expect(c!.tags).toEqual([]);
});

test('a bit rate is told with every segment until the next one, of parts of a resource with none', () => {
  const told = read(`#EXT-X-BITRATE:500
# a comment
#EXTINF:2,
a.ts
#EXTINF:2,
b.ts
#EXTINF:2,
#EXT-X-BYTERANGE:100@50
c.ts
#EXT-X-GAP
#EXT-X-BITRATE:700
#EXT-X-BITRATE:fast
#EXTINF:2,
d.ts
#EXTINF:2,
e.ts
`);
  expect(told.map(({ tags }) => tags)).toEqual([
    ['#EXT-X-BITRATE:500', '# a comment'],
    ['#EXT-X-BITRATE:500'],
    [],
    ['#EXT-X-BITRATE:700', '#EXT-X-BITRATE:fast'],
    ['#EXT-X-BITRATE:700'],
  ]);
});

test('that a date range is over is told once, with what was said of it before', () => {
  const begins = '#EXT-X-DATERANGE:ID="ad",START-DATE="2026-01-01T00:00:00Z"';
  const ends = `${begins},END-DATE="2026-01-01T00:00:02Z"`;
  const told = read(`${begins}
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z
#EXTINF:2,
a.ts
${ends}
#EXTINF:2,
b.ts
#EXTINF:2,
c.ts
`);
  expect(told.map(({ ranges }) => ranges)).toEqual([[begins], [begins, ends], undefined]);
});

test('date ranges without end before one segment are refused before they are compared with each other', () => {
  const ranges = Array.from(
    { length: 20_000 },
    (_, at) => `#EXT-X-DATERANGE:ID="${at}",START-DATE="2026-01-01T00:00:00Z"`,
  );
  const text = `#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n${ranges.join('\n')}\n#EXTINF:2,\na.ts\n`;
  expect(() => read(text)).toThrow(/^line 20005: .*too long together/);
});

test.each([
  ['#EXT-X-MAP:URI=""', 'no init section'],
  ['#EXT-X-MAP:', 'no init section'],
  ['#EXT-X-KEY:URI="a"', 'METHOD'],
  ['#EXT-X-KEY:METHOD=AES-128', 'METHOD'],
  ['#EXT-X-KEY:METHOD=AES-128,URI="a', 'METHOD'],
  ['#EXT-X-BYTERANGE:0@0', 'LENGTH@OFFSET'],
  [`#${'x'.repeat(2500)}\n#${'y'.repeat(2500)}`, 'too long together'],
])('%s is refused with the line of its segment', (tag, what) => {
  expect(() => read(`${tag}\n#EXTINF:2,\na.ts\n`)).toThrow(what);
});
