import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runLiveMix } from '../../src/cli/livemix.ts';
import { discontinuitiesOf, tagOf, textOf } from '../support/hls-text.ts';
import {
  LADDER,
  LadderEncoder,
  ladderMaster,
  ladderSegment,
  type LadderName as Name,
} from '../support/ladder.ts';
import { RecordingsClient, sha256, urisOf } from '../support/recording.ts';
import { Rig } from '../support/rig.ts';

const segment = ladderSegment;
const master = ladderMaster;

test('a ladder is one source: its playlists are named by one, in step, each forwarded only while it is watched', async () => {
  await using rig = await Rig.start();
  const encoder = new LadderEncoder(() => rig.edge.url);
  const live = (file: string) => `${rig.control.url}/live/ladder/${file}`;
  await encoder.publish(6);
  await rig.until('control knows the ladder', async () =>
    (await textOf(live('index.m3u8'))).includes('STREAM-INF'),
  );
  expect(await textOf(live('index.m3u8'))).toBe(
    master
      .replace('sound/index.m3u8', 'sound.m3u8')
      .replace('high/index.m3u8', 'high.m3u8')
      .replace('low/index.m3u8', 'low.m3u8'),
  );
  expect(await textOf(`${rig.edge.url}/live/ladder/index.m3u8`)).toBe(await textOf(live('index.m3u8')));
  expect(await rig.source('ladder')).toMatchObject({ state: 'idle', forwardedBytes: 0 });
  expect((await fetch(live('other.m3u8'))).status).toBe(404);

  const low = await textOf(live('low.m3u8'));
  const served = await Promise.all(
    urisOf(low).map(async (uri) =>
      sha256(new Uint8Array(await (await fetch(new URL(uri, live('low.m3u8')))).arrayBuffer())),
    ),
  );
  expect(served).toEqual([3, 4, 5].map((sequence) => sha256(segment('low', 0, sequence))));
  const { forwardedBytes } = (await rig.source('ladder')) as { forwardedBytes: number };
  await rig.until('the low rendition alone crossed', async () => {
    const now = (await rig.source('ladder')) as { forwardedBytes: number };
    return now.forwardedBytes === 3 * segment('low', 0, 0).length;
  });
  expect(forwardedBytes).toBeLessThanOrEqual(3 * segment('low', 0, 0).length);

  const sound = await textOf(live('sound.m3u8'));
  expect(tagOf(sound, 'MEDIA-SEQUENCE')).toBe(tagOf(low, 'MEDIA-SEQUENCE'));
  for (let life = 0; life < 2; life++) {
    encoder.restart();
    await encoder.publish(7);
    await rig.until('both list the new life', async () => {
      const texts = await Promise.all([textOf(live('low.m3u8')), textOf(live('sound.m3u8'))]);
      const newest = texts.map((text) => Math.max(...discontinuitiesOf(text).keys()));
      return newest[0] === newest[1] && urisOf(texts[0]!).length >= 3;
    });
    const [one, other] = await Promise.all([textOf(live('low.m3u8')), textOf(live('sound.m3u8'))]);
    const both = [...discontinuitiesOf(one)].filter(([sequence]) => discontinuitiesOf(other).has(sequence));
    expect(both.length).toBeGreaterThanOrEqual(3);
    expect(both).toEqual(both.map(([sequence]) => [sequence, discontinuitiesOf(other).get(sequence)]));
    expect(tagOf(one, 'TARGETDURATION')).toBe(tagOf(other, 'TARGETDURATION'));
  }
});

test('a rendition that is watched later goes along with the others, and costs them no discontinuity', async () => {
  await using rig = await Rig.start();
  const encoder = new LadderEncoder(() => rig.edge.url);
  const live = (name: Name) => `${rig.control.url}/live/ladder/${name}.m3u8`;
  await encoder.publish(6);
  await rig.until('control knows the ladder', async () => (await fetch(live('high'))).ok);
  await encoder.publish(8);
  const before = discontinuitiesOf(await textOf(live('high')));
  await textOf(live('low'));
  await encoder.publish(2);
  await rig.until('the low one is listed as far', async () => {
    const [high, low] = await Promise.all([textOf(live('high')), textOf(live('low'))]);
    return Math.max(...discontinuitiesOf(high).keys()) === Math.max(...discontinuitiesOf(low).keys());
  });
  const [high, low] = await Promise.all([textOf(live('high')), textOf(live('low'))]);
  expect(new Set(discontinuitiesOf(high).values())).toEqual(new Set([[...before.values()].at(-1)]));
  const theirs = discontinuitiesOf(low);
  for (const [sequence, discontinuity] of discontinuitiesOf(high)) {
    if (theirs.has(sequence)) expect(theirs.get(sequence)).toBe(discontinuity);
  }
});

test('numbers and names of a ladder outlive its edge', async () => {
  await using rig = await Rig.start();
  const encoder = new LadderEncoder(() => rig.edge.url);
  const live = (name: Name) => `${rig.control.url}/live/ladder/${name}.m3u8`;
  await encoder.publish(5);
  await rig.until(
    'both are listed',
    async () => (await fetch(live('high'))).ok && (await fetch(live('low'))).ok,
  );
  const before = discontinuitiesOf(await textOf(live('low')));
  await rig.edge.close();
  await rig.startEdge();
  await encoder.publish(4);
  const after = await rig.until('it goes on', async () => {
    const lists = await Promise.all([textOf(live('high')), textOf(live('low'))]);
    const [high, low] = lists.map(discontinuitiesOf);
    const newest = Math.max(...low!.keys());
    return newest === Math.max(...before.keys()) + 4 && high!.has(newest) ? low : undefined;
  });
  expect(new Set([...after.values()])).toEqual(new Set(before.values()));
  expect(await textOf(`${rig.edge.url}/live/ladder/index.m3u8`)).toContain('STREAM-INF');
});

test('a ladder is recorded with all its renditions, from the past on, and replayed with them', async () => {
  await using rig = await Rig.start();
  const encoder = new LadderEncoder(() => rig.edge.url);
  const recordings = new RecordingsClient(() => rig.control.url);
  await encoder.publish(6);
  await rig.until('control knows the ladder', async () => (await rig.source('ladder'))?.['state'] === 'idle');
  const { id } = await recordings.start({ source: 'ladder', from: '-3s', until: '+1s' });
  await encoder.publish(3);
  const ended = await recordings.ended(id);
  expect(ended.state).toBe('complete');
  const index = recordings.playlistUrl(id);
  expect(await textOf(index)).toContain('low.m3u8');
  const lasting: number[] = [];
  for (const name of LADDER) {
    const url = index.replace('index', name);
    const text = await textOf(url);
    expect(text).toContain('#EXT-X-ENDLIST');
    const bodies = await Promise.all(
      urisOf(text).map(async (uri) =>
        sha256(new Uint8Array(await (await fetch(new URL(uri, url))).arrayBuffer())),
      ),
    );
    const made = Array.from({ length: 9 }, (_, sequence) => sha256(segment(name, 0, sequence)));
    const first = made.indexOf(bodies[0]!);
    expect(bodies).toEqual(made.slice(first, first + bodies.length));
    lasting.push(bodies.length);
  }
  expect(new Set(lasting).size).toBe(1);
  expect(ended.segments).toBe(lasting.reduce((sum, count) => sum + count, 0));
  const apart = await fetch(index.replace('index.m3u8', 'download.ts'));
  expect(apart.status).toBe(409);
  expect(await apart.json()).toMatchObject({
    code: 'download_impossible',
    hint: expect.stringContaining('--rendition NAME): high, sound.'),
  });
  const one = await fetch(index.replace('index.m3u8', 'download.ts?rendition=low'));
  const low = Buffer.from(await one.arrayBuffer());
  expect(low.length).toBe(lasting[1]! * segment('low', 0, 0).length);
  const file = join(rig.folder, 'low.ts');
  const flags = ['--rendition', 'low', '--format', 'ts', '--output', file, '--control-url', rig.control.url];
  expect(await runLiveMix(['recordings', 'download', id, ...flags])).toBe(0);
  expect(sha256(readFileSync(file))).toBe(sha256(low));
  expect(one.headers.get('content-disposition')).toMatch(/_low\.ts"$/);
});

test('playlists of renditions are posted, too, and the one that names them', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const headers = {
    'Video-Source-Name': 'posted',
    'MPEG-TS-URI-Prefix': `file://${rig.encoder.folder}`,
  };
  for (let made = 0; made < 4; made++) await rig.encoder.make();
  const post = (path: string, body: string) =>
    fetch(`${rig.edge.url}/v1/playlist${path}`, { method: 'POST', headers, body });
  for (const path of ['/high.m3u8', '/low'])
    expect(await (await post(path, rig.encoder.playlist())).json()).toMatchObject({ added: 4 });
  const named = `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2000000\nhigh.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=900000\nlow\n`;
  expect(await (await post('/master.m3u8', named)).json()).toEqual({
    source: 'posted',
    renditions: ['high', 'low'],
  });
  const index = await textOf(`${rig.edge.url}/live/posted/index.m3u8`);
  expect(index).toBe(named.replace('\nlow\n', '\nlow.m3u8\n'));
  for (const name of ['high', 'low'])
    expect(urisOf(await textOf(`${rig.edge.url}/live/posted/${name}.m3u8`))).toHaveLength(4);
});
