import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { box } from '../../src/edge/ingest/check/box-for-test.ts';
import { playlistText } from '../support/encoder.ts';
import { Rig } from '../support/rig.ts';
import { syntheticSegment } from '../support/synthetic-segment.ts';

const segment = (sequence: number, run = 0) => syntheticSegment({ run, sequence, duration: 1, packets: 40 });
const nameOf = (sequence: number) => `cam-${sequence}.ts`;
const playlist = (first: number, through: number, more: { head?: string[]; endList?: boolean } = {}) =>
  playlistText({
    mediaSequence: first,
    entries: Array.from({ length: through - first + 1 }, (_, at) => ({
      name: nameOf(first + at),
      duration: 1,
    })),
    ...more,
  });
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Sends to the edge of a rig as `ffmpeg -f hls -method PUT` does. */
const pusher = (rig: Rig, source = 'door') => {
  const url = (path: string) => `${rig.edge.url}/v1/ingest/${source}/${path}`;
  const send = (method: string, path: string, body?: Buffer | string) =>
    fetch(url(path), { method, ...(body !== undefined && { body }) });
  return {
    url,
    send,
    media: (sequence: number, run = 0) => send('PUT', nameOf(sequence), segment(sequence, run)),
    list: (first: number, through: number, more = {}) =>
      send('PUT', 'index.m3u8', playlist(first, through, more)),
  };
};
/** What is listed, and the digest of what is served for each line. */
const served = async (node: { readonly url: string }, source = 'door') => {
  const url = `${node.url}/live/${source}/index.m3u8`;
  const text = await (await fetch(url)).text();
  const uris = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const media = await Promise.all(
    uris.map(async (uri) => {
      const answer = await fetch(new URL(uri, url));
      return answer.ok ? sha256(new Uint8Array(await answer.arrayBuffer())) : answer.status;
    }),
  );
  return { text, media };
};
const digests = (from: number, through: number, run = 0) =>
  Array.from({ length: through - from + 1 }, (_, at) => sha256(segment(from + at, run)));

test('what is pushed is served byte for byte, live by control, too', async () => {
  await using rig = await Rig.start();
  const push = pusher(rig);
  for (let sequence = 0; sequence < 8; sequence++) {
    expect(await (await push.media(sequence)).json()).toMatchObject({ source: 'door' });
    const answer = await push.list(Math.max(0, sequence - 4), sequence);
    expect(await answer.json()).toMatchObject({ source: 'door', added: 1, stored: 'spool' });
  }
  expect((await served(rig.edge)).media).toEqual(digests(2, 7));
  const live = await rig.until('control serves it', async () => {
    const { text, media } = await served(rig.control);
    return text.startsWith('#EXTM3U') && media.length >= 3 ? media : undefined;
  });
  expect(live).toEqual(digests(8 - live.length, 7));
});

test('a playlist may name what lies in other folders of its source, and nothing above that', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const push = pusher(rig);
  for (const [at, path] of ['parts/a/0.ts', 'top.ts', 'lists/2.ts'].entries())
    await push.send('PUT', path, segment(at));
  const names = ['../parts/a/0.ts', '../top.ts', './2.ts', '../../other/3.ts', '/etc/4.ts'];
  const entries = names.map((name) => ({ name, duration: 1 }));
  const answer = await push.send('PUT', 'lists/index.m3u8', playlistText({ mediaSequence: 0, entries }));
  expect(await answer.json()).toMatchObject({
    added: 3,
    refused: [{ code: 'bad_name' }, { code: 'bad_name' }],
  });
  expect((await served(rig.edge)).media.slice(0, 3)).toEqual(digests(0, 2));
});

test('a playlist that comes before the end of its segment, or before its head, waits for it', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const push = pusher(rig);
  await push.media(0);
  await push.list(0, 0);
  const open = httpRequest(push.url(nameOf(1)), { method: 'PUT' });
  open.write(segment(1).subarray(0, 1_000));
  const listed = push.list(0, 1);
  await sleep(700);
  open.end(segment(1).subarray(1_000));
  expect(await (await listed).json()).toMatchObject({ added: 1 });
  const early = push.list(0, 2);
  await sleep(20);
  await push.media(2);
  expect(await (await early).json()).toMatchObject({ added: 1 });
  expect((await served(rig.edge)).media).toEqual(digests(0, 2));
});

test('segments and playlists that are pipelined on one connection are all taken', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const { hostname, port } = new URL(rig.edge.url);
  const socket = connect(Number(port), hostname);
  const put = (name: string, body: Uint8Array) => {
    socket.write(`PUT /v1/ingest/door/${name} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
    for (let at = 0; at < body.length; at += 4_096) {
      const chunk = body.subarray(at, at + 4_096);
      socket.write(`${chunk.length.toString(16)}\r\n`);
      socket.write(chunk);
      socket.write('\r\n');
    }
    socket.write('0\r\n\r\n');
  };
  for (let sequence = 0; sequence < 4; sequence++) {
    put(nameOf(sequence), segment(sequence));
    put('index.m3u8', Buffer.from(playlist(0, sequence)));
  }
  await rig.until('all are served', async () => (await served(rig.edge)).media.length === 4);
  expect((await served(rig.edge)).media).toEqual(digests(0, 3));
  socket.destroy();
});

test('a segment whose encoder goes in the middle, or that was never pushed, is a stated gap', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const push = pusher(rig);
  await push.media(0);
  await push.list(0, 0);
  const broken = httpRequest(push.url(nameOf(1)), { method: 'PUT' });
  broken.on('error', () => undefined);
  broken.write(segment(1).subarray(0, 1_000));
  await sleep(50);
  broken.destroy();
  await push.list(0, 1);
  await push.media(3);
  expect(await (await push.list(0, 3)).json()).toMatchObject({ added: 1 });
  const { text, media } = await served(rig.edge);
  expect(text.match(/EXT-X-GAP/g)).toHaveLength(2);
  expect([media[0], media[3]]).toEqual([sha256(segment(0)), sha256(segment(3))]);
});

test('a restarted encoder opens a run; one that appends goes on after the playlist it gets back', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const push = pusher(rig);
  for (const sequence of [0, 1, 2]) {
    await push.media(sequence);
    await push.list(0, sequence, { endList: sequence === 2 });
  }
  const back = await push.send('GET', 'index.m3u8');
  expect(back.headers.get('content-type')).toBe('application/vnd.apple.mpegurl');
  expect(await back.text()).toBe(playlist(0, 2, { endList: true }));
  await push.media(0, 1);
  expect(await (await push.list(0, 0)).json()).toMatchObject({ added: 1 });
  const { text, media } = await served(rig.edge);
  expect(media).toEqual([...digests(0, 2), ...digests(0, 0, 1)]);
  expect(text.match(/#EXT-X-DISCONTINUITY$/gm)).toHaveLength(1);
  expect((await push.send('DELETE', nameOf(0))).status).toBe(200);
  expect((await served(rig.edge)).media).toHaveLength(4);
});

test.each([
  ['under another path', 'low/index.m3u8', 'low/'],
  ['under the same path', 'index.m3u8', ''],
])(
  'a second encoder %s is taken for a restart, refused when both go on, and taken when the first is silent',
  async (_, path, folder) => {
    await using rig = await Rig.start();
    const push = pusher(rig);
    let made = 3;
    for (const sequence of [0, 1, 2]) await push.media(sequence);
    await push.list(0, 2);
    const first = async () => {
      await push.media(made);
      return (await push.list(Math.max(0, made - 4), made++)).status;
    };
    let others = 0;
    const second = async () => {
      const name = `other-${others}.ts`;
      await push.send('PUT', folder + name, segment(others, 7));
      const from = Math.max(0, others - 4);
      const entries = Array.from({ length: others - from + 1 }, (_, at) => ({
        name: `other-${from + at}.ts`,
        duration: 1,
      }));
      others += 1;
      return (await push.send('PUT', path, playlistText({ mediaSequence: from, entries }))).status;
    };
    expect(await second()).toBe(200);
    expect(await first()).toBe(200);
    expect(await second()).toBe(409);
    expect(await first()).toBe(200);
    expect(await second()).toBe(409);
    await rig.until('it is shown', async () => {
      const trouble = (await rig.source('door'))?.['trouble'] as { code: string } | undefined;
      return trouble?.code === 'source_busy';
    });
    const { text, media } = await served(rig.edge);
    expect(media.slice(-1)).toEqual(digests(made - 1, made - 1));
    expect(text.match(/#EXT-X-DISCONTINUITY\n/g)).toHaveLength(2);
    const silentSince = performance.now();
    while ((await second()) !== 200) await sleep(300);
    expect(performance.now() - silentSince).toBeGreaterThan(2_500);
  },
);

test.each([
  ['PUT', 'index.html', 400, 'bad_push_path'],
  ['PUT', '..%2f..%2fetc/passwd.ts', 400, 'bad_push_path'],
  ['PUT', '.hidden.ts', 400, 'bad_push_path'],
  ['PUT', 'a/b/c/d/e.ts', 400, 'bad_push_path'],
  ['PUT', 'a//cam.ts', 400, 'bad_push_path'],
  ['PUT', '', 400, 'bad_push_path'],
  ['PUT', 'text.ts', 422, 'bad_segment'],
  ['PUT', 'index.m3u8', 400, 'bad_playlist'],
  ['GET', 'never.m3u8', 404, 'not_found'],
  ['PATCH', 'cam.ts', 405, 'method_not_allowed'],
])('%s %s is answered %i %s', async (method, path, status, code) => {
  await using rig = await Rig.start({ lanOnly: true });
  const body = method === 'GET' ? undefined : 'neither HLS nor media';
  const answer = await pusher(rig).send(method, path, body);
  expect(await answer.json()).toMatchObject({ code });
  expect(answer.status).toBe(status);
  expect((await fetch(`${rig.edge.url}/healthz`)).status).toBe(200);
});

test('an encoder that sent its init section and its key once goes on over restarts of its edge', async () => {
  await using rig = await Rig.start();
  const { send } = pusher(rig);
  const init = Buffer.concat([box('ftyp', Buffer.from('isom')), box('moov', Buffer.from('one track'))]);
  const media = (sequence: number) =>
    Buffer.concat([box('moof', Buffer.from(`${sequence}`)), box('mdat', Buffer.from(`media ${sequence}`))]);
  const list = (through: number) =>
    `#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:${through - 2}\n#EXT-X-MAP:URI="init.mp4"\n${[
      through - 2,
      through - 1,
      through,
    ]
      .map((sequence) => `#EXT-X-KEY:METHOD=SAMPLE-AES,URI="cam.key"\n#EXTINF:1,\ncam-${sequence}.m4s\n`)
      .join('')}`;
  const publish = async (first: number, through: number) => {
    for (let sequence = first; sequence <= through; sequence++)
      await send('PUT', `cam-${sequence}.m4s`, media(sequence));
    expect(await (await send('PUT', 'index.m3u8', list(through))).json()).toMatchObject({ refused: [] });
  };
  await send('PUT', 'init.mp4', init);
  await send('PUT', 'cam.key', '0123456789abcdef');
  await publish(0, 2);
  for (const [first, through] of [
    [3, 3],
    [4, 5],
  ] as const) {
    await rig.edge.close();
    await rig.startEdge();
    await publish(first, through);
  }
  const { text } = await served(rig.edge);
  expect(text).not.toContain('EXT-X-GAP');
  expect(text.match(/#EXTINF/g)).toHaveLength(6);
  const uri = (tag: string) => new RegExp(`#EXT-X-${tag}:.*URI="([^"]+)"`).exec(text)![1]!;
  const read = async (tag: string) =>
    Buffer.from(await (await fetch(new URL(uri(tag), `${rig.edge.url}/live/door/index.m3u8`))).arrayBuffer());
  expect(await read('MAP')).toEqual(init);
  expect((await read('KEY')).toString()).toBe('0123456789abcdef');
});

test('without the token nothing is taken, and nobody is named', async () => {
  await using rig = await Rig.start({ lanOnly: true, edge: { 'ingest-token': 't'.repeat(32) } });
  const push = pusher(rig);
  for (const answer of [await push.media(0), await push.list(0, 0), await push.send('GET', 'index.m3u8')]) {
    expect(answer.status).toBe(401);
  }
  expect(await (await fetch(`${rig.edge.url}/v1/sources`)).json()).toEqual([]);
});

test.each([{ Origin: 'http://elsewhere.example' }, { 'Sec-Fetch-Site': 'cross-site' }])(
  'a web page that pushes is refused: %o',
  async (headers) => {
    await using rig = await Rig.start({ lanOnly: true });
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(pusher(rig).url(nameOf(0)), { method: 'POST', headers });
      request.on('response', ({ statusCode }) => resolve(statusCode)).on('error', reject);
      request.end(segment(0));
    });
    expect(answer).toBe(403);
    expect(await (await fetch(`${rig.edge.url}/v1/sources`)).json()).toEqual([]);
  },
);

test('an encoder for YouTube says the file in its query', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const send = (file: string, body: Buffer | string) =>
    fetch(`${rig.edge.url}/v1/ingest/door/http_upload_hls?cid=abcd&copy=0&file=${file}`, {
      method: 'POST',
      body,
    });
  for (const sequence of [0, 1, 2])
    expect((await send(nameOf(sequence), segment(sequence))).status).toBe(200);
  expect(await (await send('out.m3u8', playlist(0, 2))).json()).toMatchObject({ added: 3 });
  expect((await served(rig.edge)).media).toEqual(digests(0, 2));
  expect((await send('..%2Fout.m3u8', playlist(0, 2))).status).toBe(400);
});

test('an endless segment is cut with 413', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const chunk = new Uint8Array(2 ** 20).fill(0x47);
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += chunk.length;
      controller.enqueue(chunk);
    },
  });
  const request = { method: 'PUT', body, duplex: 'half' } as RequestInit;
  const answer = await fetch(pusher(rig).url('cam.ts'), request).catch((error: Error) => error);
  if (answer instanceof Response) expect(answer.status).toBe(413);
  expect(sent).toBeLessThan(64 * 2 ** 20);
});
