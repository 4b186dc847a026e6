import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parsePlaylist } from '../src/hls/parse.ts';
import { renderMultivariant } from '../src/hls/render-multivariant.ts';
import { GoldenEdge, type GoldenEvent, goldensFolder, readGoldens } from './support/golden.ts';
import { checkReply, checkUpdate, type Finding, History } from './support/prober-rules.ts';

/**
 * What real encoders wrote (`scripts/capture-goldens.mjs`), taken in by a real edge, and what is served then. After a
 * change that is meant: `UPDATE_GOLDENS=1 npx vitest run test/goldens.test.ts`, and read the difference.
 */
const goldens = readGoldens();
const isMultivariant = ({ text }: GoldenEvent) => parsePlaylist(text).kind === 'multivariant';

/** Each media playlist of a producer is a series of its own. */
const series = Object.entries(goldens).flatMap(([name, events]) => {
  const media = events.filter((event) => !isMultivariant(event));
  const paths = [...new Set(media.map(({ path }) => path))];
  return paths.map((path): [string, readonly GoldenEvent[]] => [
    paths.length === 1 ? name : `${name}.${path.replace('.m3u8', '')}`,
    media.filter((event) => event.path === path),
  ]);
});

/** What is served after each playlist breaks no rule; what was taken in is told as one list. */
async function taken(events: readonly GoldenEvent[]): Promise<string> {
  await using edge = await GoldenEdge.start();
  const history = new History();
  const broken: Finding[] = [];
  for (const event of events) {
    await edge.take(event);
    const { text, headers, etag } = edge.served();
    const header = (name: string) =>
      headers.find((_, at) => at % 2 === 1 && headers[at - 1]!.toLowerCase() === name.toLowerCase()) ?? null;
    const { playlist, findings } = checkReply(text.toString(), { get: header }, text.length);
    const reply = { playlist, etag, at: event.at };
    broken.push(...findings, ...checkUpdate(history, reply));
    history.add(reply);
  }
  expect(broken).toEqual([]);
  return edge.story();
}

function compare(name: string, text: string): void {
  const file = join(goldensFolder, `${name}.served.m3u8`);
  if (process.env['UPDATE_GOLDENS'] === '1') writeFileSync(file, text);
  expect(existsSync(file) ? readFileSync(file, 'utf8') : 'not written yet: UPDATE_GOLDENS=1').toBe(text);
}

describe('what a real encoder wrote is served as it should be', () => {
  test.each(series)('%s', async (name, events) => compare(name, await taken(events)));

  const ladders = Object.entries(goldens).flatMap(([name, events]) =>
    events.filter(isMultivariant).map((event): [string, GoldenEvent] => [`${name}.${event.path}`, event]),
  );

  test.each(ladders)('%s', (name, { text }) => {
    const playlist = parsePlaylist(text);
    if (playlist.kind !== 'multivariant') throw new Error('it is a media playlist');
    compare(
      name,
      renderMultivariant(playlist, (uri) => `renditions/${uri}`),
    );
  });
});

/** An encoder's sins that change nothing of what is served. */
const sins: Record<string, (text: string) => string> = {
  'CRLF and a BOM': (text) => `\uFEFF${text.replaceAll('\n', '\r\n')}`,
  'a target duration of 0': (text) => text.replace(/TARGETDURATION:\d+/, 'TARGETDURATION:0'),
  'no target duration': (text) => text.replace(/#EXT-X-TARGETDURATION:\d+\n/, ''),
  'a target duration with a fraction, behind the sequence': (text) =>
    text.replace(/(#EXT-X-TARGETDURATION:\d+)\n(#EXT-X-MEDIA-SEQUENCE:\d+\n)/, '$2$1.2\n'),
  'EXT-X-ALLOW-CACHE, a type, a version too high': (text) =>
    text.replace(
      /#EXT-X-VERSION:\d+\n/,
      '#EXT-X-VERSION:9\n#EXT-X-ALLOW-CACHE:NO\n#EXT-X-PLAYLIST-TYPE:EVENT\n',
    ),
  'date-times with a zone of another place': (text) =>
    text.replace(
      /(?<=DATE-TIME:)(.*)\+0000/g,
      (_, utc: string) => `${new Date(Date.parse(`${utc}Z`) + 5_400_000).toISOString().slice(0, -1)}+0130`,
    ),
  'date-times before EXTINF': (text) => text.replace(/(#EXTINF.*\n)(#EXT-X-PROGRAM-DATE-TIME.*\n)/g, '$2$1'),
  'every playlist twice': (text) => text,
};

test.each(Object.entries(sins))('%s changes nothing of what is served', async (sin, change) => {
  const events = goldens['posted-date-times']!.flatMap((event): readonly GoldenEvent[] => {
    const changed = { ...event, text: change(event.text) };
    return sin === 'every playlist twice' ? [changed, { ...changed, files: [] }] : [changed];
  });
  if (sin !== 'every playlist twice')
    expect(events[1]!.text).not.toBe(goldens['posted-date-times']![1]!.text);
  expect(await taken(events)).toBe(
    readFileSync(join(goldensFolder, 'posted-date-times.served.m3u8'), 'utf8'),
  );
});

/** What an encoder posts that lists four segments of two seconds, `said` before them all and `# of each` before each. */
const headed = (made: number, said: string): GoldenEvent => {
  const from = Math.max(0, made - 3);
  const lines = Array.from({ length: made + 1 - from }, (_, at) => {
    const cue = from + at === 2 ? '#EXT-X-CUE-OUT\n' : '';
    return `# of each\n${cue}#EXTINF:2,\ncam-${from + at}.ts\n`;
  });
  return {
    at: 1_795_833_892_836 + 2_000 * made,
    path: 'playlist',
    text: `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${from}\n${said}${lines.join('')}`,
    files: [[`cam-${made}.ts`, 35_344]],
  };
};

test('comments and unknown tags of the head stand in every list, whoever comes late, for as long as the encoder says them', async () => {
  const said = '# from camera 7\n#EXT-X-OWN:1\n';
  await using edge = await GoldenEdge.start();
  const after = async (from: number, until: number, head: string) => {
    for (let made = from; made < until; made++) await edge.take(headed(made, head));
    return edge.served().text.toString();
  };
  for (const until of [10, 11, 12]) {
    const text = await after(until === 10 ? 0 : until - 1, until, said);
    expect(text.split('# from camera 7').length).toBe(2);
    expect(text.indexOf(said)).toBeLessThan(text.indexOf('#EXTINF'));
    expect(text.split('# of each\n').length).toBe(text.split('#EXTINF').length);
    expect(text).not.toContain('CUE-OUT');
  }
  expect(await after(12, 20, '')).not.toContain('camera 7');
});
