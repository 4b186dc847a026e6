import { expect, test } from 'vitest';
import { parseMediaPlaylist } from './parse.ts';

const read = (lines: string) =>
  parseMediaPlaylist(`#EXTM3U\n${lines}\n#EXTINF:2,{$a}\n{$a}.ts\n`).segments.at(-1)!;
const A = '#EXT-X-DEFINE:NAME="a",VALUE="cam-7"';

test('variables of a playlist are written into URIs and tags, but not into comments and titles', () => {
  const { uri, title, tags } = read(
    `${A}\n#EXT-X-DEFINE:NAME="b_1",VALUE="{$a}.mp4"\n#EXT-X-MAP:URI="{$b_1}"\n# {$a}\n#EXT-X-OWN:{$a}{$a}{a}$`,
  );
  expect({ uri, title, tags }).toEqual({
    uri: 'cam-7.ts',
    title: '{$a}',
    tags: ['#EXT-X-MAP:URI="cam-7.mp4"', '# {$a}', '#EXT-X-OWN:cam-7cam-7{a}$'],
  });
});

test('what looks like a variable is none where nothing is defined', () => {
  expect(read('#EXT-X-OWN:{$b}').tags).toEqual(['#EXT-X-OWN:{$b}']);
});

test.each<[string, RegExp]>([
  ['#EXT-X-DEFINE:IMPORT="a"', /^line 4: .*\{\$a\} has no value here/],
  ['#EXT-X-DEFINE:QUERYPARAM="a"', /^line 4: .*has no value here/],
  ['#EXT-X-DEFINE:NAME="a",VALUE="{$b}"', /^line 2: .*\{\$b\} has no value here/],
  [`${A}\n#EXT-X-OWN:{$b}`, /^line 3: .*has no value here/],
  [`${A}\n${A}`, /^line 3: .*each name once/],
  ['#EXT-X-DEFINE:NAME="a"', /^line 2: .*VALUE/],
  [`${A}\n#EXT-X-OWN:${'{$a}'.repeat(1000)}`, /^line 3: .*too long/],
  [
    `#EXT-X-DEFINE:NAME="a",VALUE="${'x'.repeat(4000)}"\n${'#EXT-X-OWN:{$a}\n'.repeat(2000)}`,
    /^line 10\d\d: .*too long/,
  ],
  [
    Array.from({ length: 65 }, (_, at) => `#EXT-X-DEFINE:NAME="${at}",VALUE=""`).join('\n'),
    /^line 66: .*too many/,
  ],
])('%s is refused with its line', (lines, message) => {
  expect(() => read(lines)).toThrow(message);
});
