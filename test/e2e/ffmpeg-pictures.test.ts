import { mkdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Browser, playback } from '../support/chromium.ts';
import { playWithFfmpeg, probeStreams, writeWithFfmpeg } from '../support/ffmpeg.ts';
import { textOf } from '../support/hls-text.ts';
import { Nodes, until } from '../support/nodes.ts';
import { firstPicture } from '../support/pictures.ts';
import { startPlayerSite } from '../support/player-page.ts';
import { Prober } from '../support/prober.ts';
import { RecordingsClient, sha256, urisOf } from '../support/recording.ts';

const SOURCE = 'pictures';
const master = `#EXTM3U
#EXT-X-VERSION:4
#EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS="avc1.42c00b,mp4a.40.2",RESOLUTION=160x90
index.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=200000,CODECS="avc1.42c00b",RESOLUTION=160x90,URI="pictures.m3u8"
`;

/** The list of pictures beside what ffmpeg lists: the first key frame of each segment, in that very segment. */
async function picturesOf(folder: string, list: string): Promise<string> {
  const lines: string[] = [];
  for (const line of list.trim().split('\n')) {
    if (line.endsWith('.ts'))
      lines.push(`#EXT-X-BYTERANGE:${firstPicture(await readFile(join(folder, line)))}`, line);
    else lines.push(line.replace(/^#EXT-X-VERSION:.*/, '#EXT-X-VERSION:4\n#EXT-X-I-FRAMES-ONLY'));
  }
  return `${lines.join('\n')}\n`;
}

/** Pushes what ffmpeg writes into a folder, and a list of pictures beside it, until told to stop. */
async function pushOn(edgeUrl: string, folder: string, signal: AbortSignal): Promise<void> {
  const put = async (name: string, body: Buffer | string) => {
    const answer = await fetch(`${edgeUrl}/v1/ingest/${SOURCE}/${name}`, { method: 'PUT', body });
    if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
    await answer.text();
  };
  const pushed = new Set<string>();
  for (let before = ''; !signal.aborted; await sleep(50)) {
    const list = await readFile(join(folder, 'index.m3u8'), 'utf8').catch(() => '');
    if (list === before || list === '') continue;
    for (const name of urisOf(list)) {
      if (!pushed.has(name)) await put(name, await readFile(join(folder, name)));
      pushed.add(name);
    }
    if (before === '') await put('master.m3u8', master);
    // Whichever comes first.
    const lists = [put('pictures.m3u8', await picturesOf(folder, list)), put('index.m3u8', list)];
    await Promise.all(pushed.size % 2 === 0 ? lists : lists.reverse());
    before = list;
  }
}

test('a list of pictures goes through beside its variant, whose own segments they are parts of', async () => {
  await using nodes = await Nodes.start();
  await using site = await startPlayerSite();
  await using browser = await Browser.start();
  const folder = join(nodes.media, SOURCE);
  mkdirSync(folder, { recursive: true });
  const ending = new AbortController();
  await using _encoder = writeWithFfmpeg({ folder });
  const pushing = pushOn(nodes.edgeUrl, folder, ending.signal);
  try {
    const list = nodes.playlistUrl(SOURCE);
    await until('control knows both', async () => (await textOf(list)).includes('I-FRAME-STREAM-INF'));
    const multivariant = await textOf(list);
    const variant = new URL(/^[^#\n].*$/m.exec(multivariant)![0], list).href;
    const pictures = new URL(/URI="([^"]+)"/.exec(multivariant)![1]!, list).href;
    const probers = [variant, pictures].map(
      (url) => new Prober({ url, mustAnswer200: true, timestamps: url === variant }),
    );
    const following = new AbortController();
    const runs = probers.map((prober) => prober.run({ everyMs: 700, signal: following.signal }));
    const pages = await Promise.all(
      ['hls.js', 'shaka'].map(async (player) => ({
        player,
        ...(await browser.open(`${site.url}/${player}?${encodeURIComponent(list)}`)),
      })),
    );
    for (const { player, page } of pages) {
      await until(`${player} plays`, async () => (await playback(page)).frames > 250, 40_000);
      expect({ player, fatal: await page.evaluate('window.fatal') }).toEqual({ player, fatal: [] });
    }
    expect((await probeStreams(list)).map((stream) => stream['codec_name'])).toContain('h264');
    expect(await playWithFfmpeg(variant, 6)).toEqual({ code: 0, complaints: '' });
    following.abort();
    await Promise.all(runs);
    expect(probers.map(({ violations }) => violations)).toEqual([[], []]);

    const text = await textOf(pictures);
    expect(text).toContain('#EXT-X-I-FRAMES-ONLY\n');
    expect(text).toMatch(/#EXT-X-MAP:URI="[^"]+"\n/);
    expect(text).not.toContain('EXT-X-GAP');
    const [uri] = urisOf(text).slice(-1);
    const get = async (path: string) =>
      Buffer.from(await (await fetch(new URL(path, pictures))).arrayBuffer());
    const served = await get(uri!);
    const tables = await get(/#EXT-X-MAP:URI="([^"]+)"/.exec(text)![1]!);
    const file = join(nodes.media, 'picture.ts');
    await writeFile(file, Buffer.concat([tables, served]));
    const shown = (await probeStreams(file)).filter((stream) => stream['codec_name'] === 'h264');
    expect(shown).toMatchObject([{ width: 160, height: 90 }]);
    expect(await playWithFfmpeg(file, 1)).toEqual({ code: 0, complaints: '' });
    const made = await Promise.all(
      urisOf(await readFile(join(folder, 'index.m3u8'), 'utf8')).map(async (name) => {
        const segment = await readFile(join(folder, name));
        const [length, offset] = firstPicture(segment).split('@').map(Number) as [number, number];
        return sha256(segment.subarray(offset, offset + length));
      }),
    );
    expect(made).toContain(sha256(served));

    const recordings = new RecordingsClient(() => nodes.controlUrl);
    const { id } = await recordings.start({ source: SOURCE, from: '-6s', until: '+1s' });
    expect(await recordings.ended(id)).toMatchObject({ state: 'complete', gaps: [] });
    expect(await playWithFfmpeg(recordings.playlistUrl(id), 6)).toMatchObject({ code: 0 });
  } finally {
    ending.abort();
    await pushing;
  }
}, 120_000);
