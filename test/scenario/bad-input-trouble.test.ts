import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { Audience, Encoder } from '../support/encoder.ts';
import { Rig } from '../support/rig.ts';

const post = async (rig: Rig, text?: string) => {
  const response = await rig.encoder.post(text);
  expect(response.ok, await response.text()).toBe(true);
};

test.each<[string, (path: string, outside: string) => void]>([
  ['a symlink', (path, outside) => symlinkSync(outside, path)],
  ['a hard link', (path, outside) => linkSync(outside, path)],
  ['a FIFO', (path) => execFileSync('mkfifo', [path])],
  ['a directory', (path) => mkdirSync(path)],
  ['a device', (path) => execFileSync('mknod', [path, 'c', '1', '5'])],
])('%s is no segment: it is a gap, and what follows goes on at once', async (_, make) => {
  await using rig = await Rig.start();
  await rig.encoder.publish(3);
  const audience = await Audience.of(rig);
  await audience.sees('0/2');
  const outside = rig.encoder.path(2);
  await rig.encoder.make();
  rmSync(rig.encoder.path(3));
  make(rig.encoder.path(3), outside);
  await post(rig);
  if (_ === 'a hard link') rmSync(rig.encoder.path(3));
  await rig.encoder.publish(2);
  await audience.sees('0/5');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', 'gap', '0/4', '0/5']);
});

test('a prefix out of the roots: the source is shown with the very setting that mends it, until it is mended', async () => {
  await using rig = await Rig.start();
  const other = new Encoder({ edgeUrl: rig.edge.url, source: 'barn' });
  await using _ = other;
  await other.make();
  for (let posted = 0; posted < 5; posted++) expect((await other.post()).status).toBe(403);
  const shown = await rig.until('control shows it', () => rig.source('barn'));
  expect(shown).toMatchObject({
    name: 'barn',
    edge: 'edge-1',
    state: 'offline',
    trouble: { code: 'prefix_not_allowed', detail: expect.stringMatching(/\S/) },
  });
  const { hint } = shown['trouble'] as { hint: string };
  expect(hint).toContain(`LIVEMIX_MEDIA_ROOTS=`);
  expect(hint).toContain(other.folder);
  const all = (await (await fetch(`${rig.control.url}/v1/sources`)).json()) as { name: string }[];
  expect(all.map(({ name }) => name)).toContain('barn');

  const lines = rig.logs.filter((line) => line['level'] === 'warn' && line['source'] === 'barn');
  expect(lines).toMatchObject([{ code: 'prefix_not_allowed', hint }]);
  const metrics = await (await fetch(`${rig.edge.url}/metrics`)).text();
  expect(metrics).toMatch(/^livemix_\w*\{[^}]*prefix_not_allowed[^}]*\} 5$/m);

  const mended = new Encoder({ edgeUrl: rig.edge.url, source: 'barn', folder: rig.encoder.folder });
  await mended.publish(1);
  await rig.until('the trouble goes', async () => {
    const source = await rig.source('barn');
    return source?.['state'] === 'idle' && source['trouble'] === undefined;
  });
});

test('an ingest token is asked for: Bearer and Basic show it, and who does not names no source', async () => {
  await using rig = await Rig.start({ edge: { 'ingest-token': 'a-secret-of-the-encoders' } });
  await rig.encoder.make();
  const refused = await rig.encoder.post();
  expect(refused.status).toBe(401);
  expect(refused.headers.get('www-authenticate')).toMatch(/Basic|Bearer/);
  expect(await refused.json()).toMatchObject({ code: 'unauthorized' });
  const wrong = await rig.encoder.post(undefined, { Authorization: 'Bearer a-secret-of-the-encoder' });
  expect(wrong.status).toBe(401);
  expect(await rig.source()).toBeUndefined();
  const bearer = await rig.encoder.post(undefined, { Authorization: 'Bearer a-secret-of-the-encoders' });
  expect(bearer.status, await bearer.text()).toBe(200);
  await rig.encoder.make();
  const basic = Buffer.from('ffmpeg:a-secret-of-the-encoders').toString('base64');
  expect((await rig.encoder.post(undefined, { Authorization: `Basic ${basic}` })).status).toBe(200);
  await rig.until('the source appears', () => rig.source());
});

test('a token that nothing asks for is ignored', async () => {
  await using rig = await Rig.start();
  await rig.encoder.make();
  expect((await rig.encoder.post(undefined, { Authorization: 'Bearer whatever' })).status).toBe(200);
});

test('GET of the playlist that append_list asks for is 404', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const response = await fetch(`${rig.edge.url}/v1/playlist`, { headers: { Range: 'bytes=0-' } });
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ code: expect.any(String), hint: expect.any(String) });
});

test('more than 20 playlists a second of one source are refused, and another source does not notice', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  await rig.encoder.publish(1);
  const mad = new Encoder({ edgeUrl: rig.edge.url, source: 'mad', folder: rig.encoder.folder });
  const answers = await Promise.all(Array.from({ length: 60 }, () => mad.post(rig.encoder.playlist())));
  const refused = answers.filter(({ status }) => status === 429);
  // A second may end in between: then twice as many are taken.
  expect(refused.length).toBeGreaterThanOrEqual(10);
  expect(answers.length - refused.length).toBeGreaterThanOrEqual(20);
  expect(refused[0]?.headers.get('retry-after')).toBe('1');
  expect(await refused[0]?.json()).toMatchObject({ code: expect.any(String), hint: expect.any(String) });
  await rig.encoder.publish(1);
});

test('the 65th source is refused, and the 64 others play on', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  await rig.encoder.make();
  const ask = async (source: string) => {
    const encoder = new Encoder({ edgeUrl: rig.edge.url, source, folder: rig.encoder.folder });
    return encoder.post(rig.encoder.playlist());
  };
  for (let index = 0; index < 64; index++) expect((await ask(`many-${index}`)).ok).toBe(true);
  const response = await ask('many-64');
  expect(response.status).toBe(429);
  expect(response.headers.get('retry-after')).toBe('1');
  expect(await response.json()).toMatchObject({ code: expect.any(String), hint: expect.any(String) });
  expect((await ask('many-63')).ok).toBe(true);
});

test('names that are refused for their prefix do not fill the edge for good sources', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  await rig.encoder.make();
  for (let index = 0; index < 80; index++) {
    const encoder = new Encoder({ edgeUrl: rig.edge.url, source: `junk-${index}`, folder: '/etc' });
    expect([403, 429]).toContain((await encoder.post(rig.encoder.playlist())).status);
  }
  expect((await rig.encoder.post()).ok).toBe(true);
});

/** Says it over a socket of its own, and gives all that comes back until the edge closes. */
async function say(rig: Rig, write: (send: (text: string) => void) => void): Promise<string> {
  const { hostname, port } = new URL(rig.edge.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => write((text) => void socket.write(text)));
    let got = '';
    socket.setTimeout(10_000, () => reject(new Error(`still open after 10 s: ${got}`)));
    socket.on('data', (chunk) => {
      got += chunk;
    });
    socket.on('error', () => resolve(got));
    socket.on('close', () => resolve(got));
    socket.on('timeout', () => socket.destroy());
  });
}

const headOf = (rig: Rig, ...lines: string[]) =>
  [
    'POST /v1/playlist HTTP/1.1',
    `Host: ${new URL(rig.edge.url).host}`,
    `Video-Source-Name: ${rig.encoder.source}`,
    `MPEG-TS-URI-Prefix: file://${rig.encoder.folder}`,
    ...lines,
    '',
    '',
  ].join('\r\n');

test('a body above 1 MiB is refused and its connection closed, whether it tells its length or not', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const told = await say(rig, (send) => {
    send(headOf(rig, `Content-Length: ${2 * 1024 * 1024}`));
    send('#EXTM3U\n');
  });
  expect(told).toMatch(/^HTTP\/1\.1 413 /);
  expect(told).toMatch(/connection: close/i);
  const chunk = `10000\r\n${'#'.repeat(0x10000)}\r\n`;
  const chunked = await say(rig, (send) => {
    send(headOf(rig, 'Transfer-Encoding: chunked'));
    for (let sent = 0; sent < 17; sent++) send(chunk);
  });
  expect(chunked).toMatch(/^HTTP\/1\.1 413 /);
  await rig.encoder.publish(1);
});

test('more than 64 header fields are refused', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const many = Array.from({ length: 65 }, (_, index) => `X-${index}: a`);
  const answer = await say(rig, (send) =>
    send(headOf(rig, ...many, 'Connection: close', 'Content-Length: 0')),
  );
  expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  await rig.encoder.publish(1);
});

test('an encoder that closes right after its body, as ffmpeg does, is taken in', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  await rig.encoder.publish(3);
  const audience = new Audience([rig.lanPlaylistUrl], rig.encoder.labels);
  const { hostname, port } = new URL(rig.edge.url);
  for (let made = 3; made < 6; made++) {
    await rig.encoder.make();
    const body = rig.encoder.playlist();
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write(headOf(rig, 'Transfer-Encoding: chunked', 'Connection: close'));
    socket.write(`${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`, () => socket.destroy());
    await audience.sees(`0/${made}`);
  }
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '0/5']);
});

test('an encoder that goes in the middle of its body adds nothing and harms nothing', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  await rig.encoder.publish(3);
  await rig.encoder.make();
  const body = rig.encoder.playlist();
  const { hostname, port } = new URL(rig.edge.url);
  for (const encoding of ['Transfer-Encoding: chunked', `Content-Length: ${body.length}`]) {
    const half = body.slice(0, body.length / 2);
    const socket = connect(Number(port), hostname);
    const text = encoding.startsWith('T') ? `${body.length.toString(16)}\r\n${half}` : half;
    await new Promise<void>((resolve) => {
      socket.on('close', () => resolve());
      socket.on('error', () => undefined);
      socket.write(headOf(rig, encoding) + text, () => socket.destroy());
    });
  }
  const audience = new Audience([rig.lanPlaylistUrl], rig.encoder.labels);
  await audience.sees('0/2');
  await rig.encoder.publish(1);
  await audience.sees('0/4');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4']);
});
