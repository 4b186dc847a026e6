import { utimesSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ConfiguredSource } from '../../src/edge/input/configured-source.ts';
import { Audience } from '../support/encoder.ts';
import { type Answer, HlsServer } from '../support/hls-server.ts';
import { discontinuitiesOf, textOf } from '../support/hls-text.ts';
import { urisOf } from '../support/recording.ts';
import { Rig, type RigOptions } from '../support/rig.ts';

const pulled = (url: string, name = 'camera-0'): ConfiguredSource => ({
  name,
  input: { kind: 'pull', url },
  when: 'always',
});

/** An edge and a camera that has made three segments; nothing is configured yet. */
async function withCamera(options: RigOptions = {}) {
  const rig = await Rig.start(options);
  const camera = await HlsServer.start(() => rig.encoder.folder);
  camera.playlist = () => rig.encoder.playlist();
  camera.version = () => rig.encoder.run;
  for (let made = 0; made < 3; made++) await rig.encoder.make();
  return { rig, camera };
}

const pull = (rig: Rig, ...urls: string[]) =>
  rig.edge.configure({ sources: urls.map((url) => pulled(url)), faults: [] });

const make = async (rig: Rig, audience: Audience, count: number) => {
  for (let made = 0; made < count; made++) {
    await rig.encoder.make();
    await audience.sees(`${rig.encoder.run}/${rig.encoder.next - 1}`);
  }
};

test('a camera’s playlist is polled, each segment is read once, and everybody sees the camera’s own bytes', async () => {
  const { rig, camera } = await withCamera();
  await using _rig = rig;
  await using _camera = camera;
  await pull(rig, camera.url);
  const audience = await Audience.of(rig);
  await audience.sees('0/2');
  await make(rig, audience, 3);
  await rig.until('it is asked for again and has not changed', () =>
    camera.polls.some(({ status }) => status === 304),
  );
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '0/5']);
  expect(camera.reads).toEqual([0, 1, 2, 3, 4, 5].map((number) => rig.encoder.fileName(number)));
  const ofEdge = await (await fetch(`${rig.edge.url}/metrics`)).text();
  expect(ofEdge).toMatch(/pull_playlists_total\{source="camera-0",outcome="unchanged"\} [1-9]/);
});

test('a camera that begins anew opens a run', async () => {
  const { rig, camera } = await withCamera();
  await using _rig = rig;
  await using _camera = camera;
  await pull(rig, camera.url);
  const audience = await Audience.of(rig);
  await audience.sees('0/2');
  rig.encoder.restart();
  // Last-Modified tells whole seconds: the restart falls into another one.
  const later = new Date(Date.now() + 2_000);
  for (let made = 0; made < 3; made++) {
    await rig.encoder.make();
    utimesSync(rig.encoder.path(made), later, later);
  }
  await audience.sees('1/2');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '| 1/0', '1/1', '1/2']);
});

test('folders, queries and absolute URLs are read where the playlist means them', async () => {
  const { rig, camera } = await withCamera();
  await using _rig = rig;
  await using _camera = camera;
  const places = [
    '../media/a%20b/NAME?token=t0p&n=1',
    '/root/NAME',
    `${camera.origin}/abs/NAME?q`,
    'x/y/NAME',
  ];
  camera.playlist = () =>
    rig.encoder
      .playlist()
      .replace(/^(cam-0*(\d+)\.ts)$/gm, (_, name: string, number: string) =>
        places[Number(number) % places.length]!.replace('NAME', name),
      );
  await pull(rig, camera.url);
  const audience = await Audience.of(rig);
  await audience.sees('0/2');
  await make(rig, audience, 1);
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3']);
  const asked = camera.asked.filter(({ method }) => method === 'GET').map(({ url }) => url);
  expect(asked).toEqual(
    expect.arrayContaining([
      '/media/a%20b/cam-000.ts?token=t0p&n=1',
      '/root/cam-001.ts',
      '/abs/cam-002.ts?q',
      '/live/x/y/cam-003.ts',
    ]),
  );
  expect(JSON.stringify(rig.logs)).not.toContain('t0p');
});

test('user name and password of the URL are shown to the camera alone, and to nobody when it fails', async () => {
  const { rig, camera } = await withCamera({ edge: { 'media-origins': 'http://127.0.0.1:1' } });
  await using _rig = rig;
  await using _camera = camera;
  await pull(rig, camera.url.replace('http://', 'http://admin:s3cret@'));
  const audience = await Audience.of(rig);
  await audience.sees('0/2');
  expect(new Set(camera.asked.map(({ authorization }) => authorization))).toEqual(
    new Set([`Basic ${Buffer.from('admin:s3cret').toString('base64')}`]),
  );
  camera.odd.set('/live/index.m3u8', (_, response) => void response.writeHead(401).end());
  const source = await rig.until('control shows the trouble', async () => {
    const shown = await rig.source();
    return shown?.['trouble'] === undefined ? undefined : shown;
  });
  expect(source['trouble']).toEqual({
    code: 'pull_failed',
    detail: expect.stringContaining('The server answered 401.'),
    hint: expect.stringContaining('user:password@'),
  });
  const shown = JSON.stringify([rig.logs, source, await (await fetch(`${rig.edge.url}/v1/sources`)).json()]);
  expect(shown).not.toMatch(/s3cret|admin:|YWRtaW46/);
});

test('a camera that knows neither HEAD nor ETag is followed all the same', async () => {
  const { rig, camera } = await withCamera();
  await using _rig = rig;
  await using _camera = camera;
  camera.givePlaylist = (_, response) => void response.end(camera.playlist());
  for (let number = 0; number < 5; number++) {
    const name = rig.encoder.fileName(number);
    camera.odd.set(`/live/${name}`, (request, response) =>
      request.method === 'HEAD' ? void response.writeHead(405).end() : camera.giveFile(request, response),
    );
  }
  await pull(rig, camera.url);
  const audience = await Audience.of(rig);
  await audience.sees('0/2');
  await make(rig, audience, 1);
  await rig.until('it is asked for twice without news', () => camera.polls.length > 4);
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3']);
  const read = camera.asked.filter(({ method, url }) => method === 'GET' && url.endsWith('.ts'));
  expect(new Set(read.map(({ url }) => url)).size).toBe(4);
});

test('nobody may push a source that its edge pulls', async () => {
  const { rig, camera } = await withCamera();
  await using _rig = rig;
  await using _camera = camera;
  await pull(rig, camera.url);
  const audience = await Audience.of(rig);
  await audience.sees('0/2');
  const posted = await rig.encoder.post();
  expect(posted.status).toBe(409);
  expect(await posted.json()).toMatchObject({ code: 'source_busy' });
});

test('what is configured anew begins, ends or begins again; what is as it was is not touched', async () => {
  const { rig, camera } = await withCamera({ lanOnly: true });
  await using _rig = rig;
  await using _camera = camera;
  const said = () =>
    rig.logs
      .map(({ msg, source }) => `${source}: ${msg}`)
      .filter((line) => / brings? a source in| bring a source in|no longer brings/.test(line))
      .map((line) => line.replace('the edge ', ''));
  const url = (query: string) => `${camera.url}?${query}`;
  const polledBy = (query: string) => camera.polls.filter((each) => each.url.endsWith(query)).length;

  await rig.edge.configure({ sources: [pulled(url('a'), 'a'), pulled(url('b'), 'b')], faults: [] });
  await rig.until('both are polled', () => polledBy('?a') > 0 && polledBy('?b') > 0);
  const fault = { name: 'c', detail: 'edge.yaml:7: this is wrong.', hint: 'Mend it.' };
  await rig.edge.configure({
    sources: [pulled(url('a'), 'a'), pulled(url('b2'), 'b'), pulled(url('d'), 'd')],
    faults: [fault],
  });
  await rig.until('the new ones are polled', () => polledBy('?b2') > 0 && polledBy('?d') > 0);
  const polled = polledBy('?b');
  expect(said()).toEqual([
    'a: begins to bring a source in',
    'b: begins to bring a source in',
    'b: no longer brings a source in',
    'b: begins to bring a source in',
    'd: begins to bring a source in',
  ]);
  const troubles = async () => {
    const sources = (await (await fetch(`${rig.edge.url}/v1/sources`)).json()) as {
      name: string;
      trouble?: { code: string; detail: string };
    }[];
    return Object.fromEntries(sources.map(({ name, trouble }) => [name, trouble?.detail]));
  };
  expect(await troubles()).toEqual({ a: undefined, b: undefined, c: fault.detail, d: undefined });

  // One that runs and is wrong now goes on, and says so; mended, it is not touched.
  await rig.edge.configure({ sources: [], faults: [{ ...fault, name: 'a' }] });
  const before = polledBy('?a');
  await rig.until('it is polled still', () => polledBy('?a') > before + 1);
  expect(await troubles()).toEqual({ a: fault.detail, b: undefined, d: undefined });
  expect(polledBy('?b')).toBe(polled);
  await rig.edge.configure({ sources: [pulled(url('a'), 'a')], faults: [] });
  expect((await troubles())['a']).toBeUndefined();
  expect(said().filter((line) => line.startsWith('a:'))).toHaveLength(1);
});

test('a ladder is pulled by its multivariant playlist, each rendition by itself, and its changes are followed', async () => {
  const { rig, camera } = await withCamera();
  await using _rig = rig;
  await using _camera = camera;
  const variant = (uri: string) => `#EXT-X-STREAM-INF:BANDWIDTH=100000\n${uri}\n`;
  const media: Answer = (request, response) => camera.giveText(request, response, rig.encoder.playlist());
  for (const path of ['/live/high/index.m3u8', '/live/low/index.m3u8']) camera.odd.set(path, media);
  camera.playlist = () => `#EXTM3U\n${variant('high/index.m3u8')}${variant('low/index.m3u8?token=1')}`;
  await pull(rig, camera.url);
  const live = (name: string) => `${rig.control.url}/live/camera-0/${name}.m3u8`;
  await rig.until('control names both', async () => (await textOf(live('index'))).includes('low.m3u8'));
  for (const name of ['high', 'low']) {
    await rig.until(`${name} plays`, async () => {
      const text = await textOf(live(name));
      return text.startsWith('#EXTM3U') && urisOf(text).length >= 3;
    });
  }
  await rig.encoder.make();
  const numbers = await rig.until('both go on in step', async () => {
    const [high, low] = (await Promise.all(['high', 'low'].map((name) => textOf(live(name))))).map(
      discontinuitiesOf,
    );
    const newest = Math.max(...high!.keys());
    return high!.size >= 4 && low!.has(newest) ? [...high!, ...low!] : undefined;
  });
  expect(new Set(numbers.map(([, discontinuity]) => discontinuity)).size).toBe(1);
  expect(await rig.source()).not.toHaveProperty('trouble');
});
