import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { Audience } from '../support/encoder.ts';
import { type Answer, HlsServer } from '../support/hls-server.ts';
import { Rig, type RigOptions } from '../support/rig.ts';

const PLAYLIST = '/live/index.m3u8';

/** An edge that pulls a camera which has made three segments, unless the camera is told to be odd first. */
async function pulling(odd?: Answer, options: RigOptions = { lanOnly: true }, user = '') {
  const rig = await Rig.start(options);
  const camera = await HlsServer.start(() => rig.encoder.folder);
  camera.playlist = () => rig.encoder.playlist();
  for (let made = 0; made < 3; made++) await rig.encoder.make();
  if (odd !== undefined) camera.odd.set(PLAYLIST, odd);
  const input = { kind: 'pull', url: camera.url.replace('//', `//${user}`) } as const;
  await rig.edge.configure({ sources: [{ name: 'camera-0', input, when: 'always' }], faults: [] });
  return { rig, camera, audience: new Audience([rig.lanPlaylistUrl], rig.encoder.labels) };
}

type Shown = { trouble?: { code: string; detail: string; hint: string } };
const trouble = (rig: Rig) =>
  rig.until('the source is in trouble', async () => {
    const [source] = (await (await fetch(`${rig.edge.url}/v1/sources`)).json()) as Shown[];
    return source?.trouble;
  });

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    void response.writeHead(code, headers).end('no');

/** Writes for ever, as fast as it is read. */
const endless: Answer = (_, response) => {
  response.writeHead(200);
  response.write('#EXTM3U\n');
  const more = () => {
    while (!response.destroyed && response.write(`${'#'.repeat(65_535)}\n`));
  };
  response.on('drain', more);
  more();
};

/** A byte now and then, for ever. */
const dripping =
  (head: boolean): Answer =>
  (_, response) => {
    if (head) response.writeHead(200);
    else response.socket!.write('HTTP/1.1 200 OK\r\n');
    const dripped = setInterval(() => {
      if (head) response.write('#');
      else response.socket?.write('X: y\r\n');
    }, 200);
    response.on('close', () => clearInterval(dripped));
  };

/** A good beginning, and then a byte now and then, for ever; nothing says how long it is (RFC 9112 §6.3, rule 8). */
const drippingWithoutLength: Answer = (_, response) => {
  const socket = response.socket!;
  socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n#EXTM3U\n');
  const dripped = setInterval(() => socket.write('#'), 200);
  socket.on('close', () => clearInterval(dripped));
};

test.each<[string, Answer, RegExp, RegExp]>([
  ['answers 404', status(404), /The server answered 404\./, /path/],
  ['answers 500', status(500), /The server answered 500\./, /30 s/],
  ['answers 206', status(206), /The server answered 206\./, /30 s/],
  ['answers 304 to what it was not asked', status(304), /The server answered 304\./, /30 s/],
  ['hangs up', (_, response) => void response.destroy(), /The connection failed: ECONNRESET\./, /30 s/],
  [
    'hangs up in the middle',
    (_, response) => {
      response.writeHead(200, { 'Content-Length': 1000 });
      response.write('#EXTM3U\n', () => response.destroy());
    },
    /The connection failed: ECONNRESET\./,
    /30 s/,
  ],
  ['sends a page', (_, response) => void response.end('<html>'), /line 1: this is no playlist/, /RFC 8216/],
  ['sends a bad list', (_, response) => void response.end('#EXTM3U\na.ts\n'), /line 2: /, /RFC 8216/],
  [
    'compresses what was not to be compressed',
    (_, response) =>
      void response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(Buffer.alloc(2 ** 24, 35))),
    /The server compresses/,
    /30 s/,
  ],
  ['says it is huge', status(200, { 'Content-Length': `${2 ** 40}` }), /larger than 1 MiB/, /fewer/],
  ['never ends', endless, /larger than 1 MiB/, /fewer/],
  ['drips its body', dripping(true), /did not come within ten seconds/, /30 s/],
  ['drips a body of no length', drippingWithoutLength, /did not come within ten seconds/, /30 s/],
  ['drips its head', dripping(false), /did not come within ten seconds/, /30 s/],
  ['redirects in a circle', status(302, { Location: PLAYLIST }), /redirects too often/, /30 s/],
  ['redirects to nowhere', status(302), /redirects to nowhere/, /30 s/],
  ['redirects to a file', status(302, { Location: 'file:///etc/passwd' }), /may not be read/, /config file/],
])(
  'a camera that %s is in trouble, is asked again, and plays when it is mended',
  async (_, odd, detail, hint) => {
    const { rig, camera, audience } = await pulling(odd);
    await using _rig = rig;
    await using _camera = camera;
    const shown = await trouble(rig);
    expect(shown).toMatchObject({ code: 'pull_failed' });
    expect(shown.detail).toMatch(detail);
    expect(shown.hint).toMatch(hint);
    const { polls } = camera;
    expect(polls.every(({ url }) => url === PLAYLIST)).toBe(true);
    camera.odd.clear();
    // A player asks again, too, while the source has no segment yet.
    await rig.until('it plays', async () => (await fetch(rig.lanPlaylistUrl)).ok, 30_000);
    await audience.sees('0/2');
    expect(audience.told()).toEqual(['0/0', '0/1', '0/2']);
    const sources = (await (await fetch(`${rig.edge.url}/v1/sources`)).json()) as Shown[];
    expect(sources[0]!.trouble).toBeUndefined();
  },
);

test.each([
  ['leads to another host', 'http://10.0.0.9/low.m3u8', /LIVEMIX_MEDIA_ORIGINS/],
  ['names itself', 'index.m3u8', /names another/],
])('a multivariant playlist that %s is told of', async (_, uri, detail) => {
  const text = `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n${uri}\n`;
  const { rig, camera } = await pulling((_, response) => void response.end(text));
  await using _rig = rig;
  await using _camera = camera;
  await rig.until('it is told of', async () => {
    const shown = await trouble(rig);
    return shown.code === 'pull_failed' && detail.test(shown.detail);
  });
});

test('a redirect is followed within the origin, three times and no more', async () => {
  const { rig, camera, audience } = await pulling(status(302, { Location: '/a/1.m3u8' }));
  await using _rig = rig;
  await using _camera = camera;
  camera.odd.set('/a/1.m3u8', status(307, { Location: '2.m3u8' }));
  camera.odd.set('/a/2.m3u8', status(301, { Location: `${camera.origin}/b/list.m3u8` }));
  camera.odd.set('/b/list.m3u8', (request, response) => camera.givePlaylist(request, response));
  await rig.until('it plays', async () => (await fetch(rig.lanPlaylistUrl)).ok);
  await audience.sees('0/2');
  const read = camera.asked.filter(({ url, method }) => method === 'GET' && url.endsWith('.ts'));
  expect(read.every(({ url }) => url.startsWith('/b/cam-'))).toBe(true);
});

test('a redirect and a segment at another origin are never asked for, unless that origin is allowed', async () => {
  await using other = await HlsServer.start(() => rig.encoder.folder);
  const { rig, camera } = await pulling(status(302, { Location: other.url }));
  await using _rig = rig;
  await using _camera = camera;
  const refused = await trouble(rig);
  expect(refused.detail).toContain(`The server redirects to ${other.origin}, which may not be read.`);
  expect(refused.hint).toContain('LIVEMIX_MEDIA_ORIGINS');

  camera.odd.clear();
  const audience = new Audience([rig.lanPlaylistUrl], rig.encoder.labels);
  await rig.until('it plays', async () => (await fetch(rig.lanPlaylistUrl)).ok, 30_000);
  await audience.sees('0/2');
  await rig.encoder.make();
  camera.playlist = () => rig.encoder.playlist().replace('cam-003.ts', `${other.origin}/live/cam-003.ts`);
  await audience.sees('gap');
  expect(await trouble(rig)).toMatchObject({ code: 'origin_not_allowed' });
  await rig.encoder.make();
  await audience.sees('0/4');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', 'gap', '0/4']);
  expect(other.asked).toEqual([]);
});

test('a redirect to an allowed origin is followed, its segments are read there, and it is not shown the password', async () => {
  let folder = '';
  await using other = await HlsServer.start(() => folder);
  const allowing = { lanOnly: true, edge: { 'media-origins': other.origin } };
  const { rig, camera, audience } = await pulling(
    status(302, { Location: other.url }),
    allowing,
    'me:s3cret@',
  );
  await using _rig = rig;
  await using _camera = camera;
  folder = rig.encoder.folder;
  other.playlist = () => rig.encoder.playlist();
  await rig.until('it plays', async () => (await fetch(rig.lanPlaylistUrl)).ok);
  await audience.sees('0/2');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2']);
  expect(
    camera.asked.every(({ url, authorization }) => url === PLAYLIST && authorization !== undefined),
  ).toBe(true);
  expect(other.reads.length).toBe(3);
  expect(other.asked.every(({ authorization }) => authorization === undefined)).toBe(true);
});

test('a source that is no longer configured ends at once, also while its camera keeps a segment back', async () => {
  const { rig, camera, audience } = await pulling();
  await using _rig = rig;
  await using _camera = camera;
  await rig.until('it plays', async () => (await fetch(rig.lanPlaylistUrl)).ok);
  await audience.sees('0/2');
  camera.odd.set('/live/cam-003.ts', (request, response) => {
    response.writeHead(200, { 'Content-Length': 188 * 42 });
    if (request.method === 'HEAD') response.end();
    else response.write(Buffer.alloc(188, 0x47));
  });
  await rig.encoder.make();
  await rig.until('the segment is asked for', () =>
    camera.asked.some(({ method, url }) => method === 'HEAD' && url.endsWith('cam-003.ts')),
  );
  const begun = performance.now();
  await rig.edge.configure({ sources: [], faults: [] });
  expect(performance.now() - begun).toBeLessThan(1_000);
  await audience.poll();
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2']);
});

test('a pull that ends while a playlist of no length drips is no trouble, and takes nothing of it in', async () => {
  const { rig, camera } = await pulling(drippingWithoutLength);
  await using _rig = rig;
  await using _camera = camera;
  let isAsked = false;
  camera.odd.set(PLAYLIST, (request, response) => {
    isAsked = true;
    return drippingWithoutLength(request, response);
  });
  await rig.edge.configure({ sources: [], faults: [] });
  const input = { kind: 'pull', url: camera.url } as const;
  await rig.edge.configure({ sources: [{ name: 'camera-0', input, when: 'always' }], faults: [] });
  await rig.until('it is asked for', () => isAsked);
  await rig.edge.configure({ sources: [], faults: [] });
  expect(rig.logs.filter(({ code }) => code === 'pull_failed')).toEqual([]);
  const metrics = await (await fetch(`${rig.edge.url}/metrics`)).text();
  expect(metrics).toContain('livemix_edge_pull_playlists_total');
  expect(metrics).not.toMatch(/pull_playlists_total\{.*outcome="changed"/);
});

test('a wrong line of the config file is told of although the source, as it was, is in trouble', async () => {
  const { rig, camera } = await pulling(status(404));
  await using _rig = rig;
  await using _camera = camera;
  const is = (code: string) => rig.until(code, async () => (await trouble(rig)).code === code);
  await is('pull_failed');
  const fault = { name: 'camera-0', detail: 'edge.yaml:3: this is wrong.', hint: 'Mend it.' };
  await rig.edge.configure({ sources: [], faults: [fault] });
  const before = camera.polls.length;
  await rig.until('it is asked for still', () => camera.polls.length > before);
  expect(await trouble(rig)).toEqual({
    code: 'source_misconfigured',
    detail: fault.detail,
    hint: fault.hint,
  });
  const input = { kind: 'pull', url: camera.url } as const;
  await rig.edge.configure({ sources: [{ name: 'camera-0', input, when: 'always' }], faults: [] });
  await is('pull_failed');
});
