import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { segmentFileName } from '../../src/media/carried.ts';
import { contentDigest, LINK_PATH, recordsPath, segmentPath } from '../../src/wire/uplink.ts';
import {
  contentOf,
  dial,
  digestOf,
  EDGE_TOKEN,
  FakeEdge,
  hello,
  ping,
  recordOf,
  FAKE_SOURCE as SOURCE,
  send,
} from '../support/fake-edge.ts';
import { Rig } from '../support/rig.ts';

const closeCode = async (socket: WebSocket): Promise<number> => {
  const [code] = (await once(socket, 'close', { signal: AbortSignal.timeout(5_000) })) as [number];
  return code;
};
const served = async (sequence: number) =>
  (await fetch(`${rig.control.url}/m/${SOURCE}/main/${segmentFileName(recordOf(sequence))}`)).status;

const at = (path: string) => `${rig.control.url}${path}`;

let rig: Rig;
let edge: FakeEdge;
beforeAll(async () => {
  rig = await Rig.start({ control: { 'edge-token': EDGE_TOKEN }, edge: { 'edge-token': EDGE_TOKEN } });
  await rig.encoder.publish(4);
  await rig.until('the source appears', () => rig.source());
  edge = await FakeEdge.start(rig.control.url);
  await rig.until('its source appears', () => rig.source(SOURCE));
  await fetch(`${rig.control.url}/v1/sources/${SOURCE}`, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/json' },
    body: '{"mode":"always"}',
  });
  await rig.until('it is to forward', () => edge.forwards && edge.generation > 0);
  expect((await edge.announce(Array.from({ length: 20 }, (_, sequence) => recordOf(sequence)))).status).toBe(
    200,
  );
});
afterAll(async () => {
  edge.close();
  await rig[Symbol.asyncDispose]();
});

describe('an upload', () => {
  test('is taken, and taken again without harm (T21)', async () => {
    expect(await edge.put(0)).toEqual({ status: 201, body: { already: false } });
    expect(await edge.put(0)).toEqual({ status: 200, body: { already: true } });
    expect(await served(0)).toBe(200);
  });

  test.each<[string, Record<string, string | undefined>, number, string]>([
    ['without a token', { Authorization: undefined }, 401, 'unauthorized'],
    ['with another token', { Authorization: 'Bearer other' }, 401, 'unauthorized'],
    ['without an edge', { 'LiveMix-Edge': undefined }, 400, 'bad_link'],
    ['of an edge without a name', { 'LiveMix-Edge': '../x' }, 400, 'bad_link'],
    ['without a generation', { 'LiveMix-Link': undefined }, 400, 'bad_link'],
    ['with a generation that is none', { 'LiveMix-Link': 'abc' }, 400, 'bad_link'],
    ['with a negative generation', { 'LiveMix-Link': '-1' }, 400, 'bad_link'],
    ['with a generation that is no integer', { 'LiveMix-Link': '1.5' }, 400, 'bad_link'],
    ['of an older link', { 'LiveMix-Link': '1' }, 409, 'stale_link'],
    ['of a link yet to come', { 'LiveMix-Link': '9007199254740991' }, 409, 'stale_link'],
    ['without a digest', { 'Content-Digest': undefined }, 400, 'bad_digest'],
    ['with a digest that is none', { 'Content-Digest': 'sha-256=:abc:' }, 400, 'bad_digest'],
    ['with a digest of another kind', { 'Content-Digest': `md5=:${'A'.repeat(22)}==:` }, 400, 'bad_digest'],
    ['of another type', { 'Content-Type': 'text/html' }, 415, 'wrong_type'],
    ['without a type', { 'Content-Type': undefined }, 415, 'wrong_type'],
    ['that is zipped', { 'Content-Encoding': 'gzip' }, 415, 'wrong_type'],
  ])('%s is refused and nothing of it is kept (T20, T22)', async (_, change, status, code) => {
    expect(await edge.put(1, change)).toMatchObject({ status, body: { code } });
    expect(await served(1)).toBe(404);
  });

  test('without a length is refused (T20)', async () => {
    const chunked = { 'Content-Length': undefined, 'Transfer-Encoding': 'chunked' };
    expect(await edge.put(1, chunked)).toMatchObject({ status: 411, body: { code: 'length_required' } });
  });

  test('that is too large is refused before its body (T20)', async () => {
    const headers = {
      ...edge.headers,
      'Content-Type': 'video/mp2t',
      'Content-Length': String(33 * 1024 * 1024),
      'Content-Digest': contentDigest(digestOf(contentOf(1))),
    };
    expect(await send(at(segmentPath(SOURCE, 'main', 1)), { headers })).toMatchObject({
      status: 413,
      body: { code: 'too_large' },
    });
  });

  test('whose bytes are not those of its digest leaves nothing, and the right ones are taken (T20)', async () => {
    const wrong = contentOf(2);
    wrong[1000]! ^= 1;
    expect(await edge.put(2, {}, wrong)).toMatchObject({ status: 422, body: { code: 'digest_mismatch' } });
    expect(await served(2)).toBe(404);
    expect((await edge.put(2)).status).toBe(201);
    expect(await served(2)).toBe(200);
  });

  test('of other bytes under a number in use is refused; the first ones stay (T21)', async () => {
    expect((await edge.put(3)).status).toBe(201);
    const other = Buffer.alloc(1880, 'other');
    const change = { 'Content-Digest': contentDigest(digestOf(other)) };
    expect(await edge.put(3, change, other)).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect(await served(3)).toBe(200);
  });

  test('that was not announced is refused', async () => {
    expect(await edge.put(500)).toMatchObject({ status: 409, body: { code: 'not_wanted' } });
  });

  test.each(['camera-0', 'nobody'])(
    'to %s, which is not its own, is refused, and does not tell whether there is one (T19)',
    async (source) => {
      const refused = { status: 403, body: { code: 'source_not_yours' } };
      expect(await edge.put(1, {}, contentOf(1), source)).toMatchObject(refused);
      expect(await edge.announce([recordOf(1)], {}, source)).toMatchObject(refused);
    },
  );

  test.each(['uri', 'path', 'bucket', 'key'])(
    'a record with the field %s is refused (T23)',
    async (field) => {
      const { status } = await edge.announce([{ ...recordOf(30), [field]: 'file:///etc/passwd' }]);
      expect(status).toBe(400);
      expect((await edge.put(30)).status).toBe(409);
    },
  );

  test.each<[string, Record<string, unknown>]>([
    ['a negative number', { sequence: -1 }],
    ['a number beyond all', { sequence: 2 ** 60 }],
    ['no duration', { duration: 0 }],
    ['a duration of an hour', { duration: 3600 }],
    ['a digest that is none', { digest: 'abc' }],
    ['a path for its extension', { extension: '/../x' }],
    ['a target duration of 0', { targetDuration: 0 }],
    ['more bytes than a segment may have', { bytes: 33 * 1024 * 1024 }],
  ])('a record with %s is refused', async (_, change) => {
    expect((await edge.announce([{ ...recordOf(31), ...change }])).status).toBe(400);
  });

  test('records without end are refused', async () => {
    const change = { 'Content-Length': String(2 * 1024 * 1024) };
    const headers = { ...edge.headers, 'Content-Type': 'application/json', ...change };
    expect((await send(at(recordsPath(SOURCE, 'main')), { method: 'POST', headers })).status).toBe(413);
  });

  test('what an edge has no business with is not there', async () => {
    expect(
      (await send(at('/edge/v1/other'), { method: 'GET', headers: edge.headers, body: Buffer.alloc(0) }))
        .status,
    ).toBe(404);
    const { status } = await send(at(recordsPath(SOURCE, 'main')), {
      method: 'GET',
      headers: edge.headers,
      body: Buffer.alloc(0),
    });
    expect(status).toBe(405);
  });
});

describe('a link', () => {
  test.each([[{}], [{ Authorization: 'Bearer other' }]])('needs the token: %o', async (headers) => {
    const socket = new WebSocket(`${rig.control.url.replace('http', 'ws')}${LINK_PATH}`, { headers });
    socket.on('error', () => undefined);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(401);
    socket.terminate();
  });

  test('does not compress', async () => {
    const socket = await dial(rig.control.url);
    expect(socket.extensions).toBe('');
    socket.terminate();
  });

  test.each<[string, (socket: WebSocket) => void, number]>([
    ['garbage', (socket) => socket.send('garbage'), 4400],
    ['binary data', (socket) => socket.send(Buffer.from(ping)), 4400],
    ['an empty object', (socket) => socket.send('{}'), 4400],
    ['anything before it said who it is', (socket) => socket.send(ping), 4400],
    ['hello twice', (socket) => [1, 2].forEach(() => void socket.send(hello('edge-7'))), 4400],
    ['a name that is none', (socket) => socket.send(hello('../../etc')), 4400],
    [
      'a field that is not known',
      (socket) => socket.send(hello('edge-7').replace('}', ',"role":"admin"}')),
      4400,
    ],
    ['too much at once', (socket) => socket.send(JSON.stringify({ type: 'x'.repeat(70_000) })), 1009],
    [
      'a flood',
      (socket) => {
        socket.send(hello('edge-7'));
        for (let sent = 0; sent < 200; sent++) socket.send(ping);
      },
      1008,
    ],
  ])('that says %s is ended, and the others go on (T26)', async (_, say, code) => {
    const socket = await dial(rig.control.url);
    const closed = closeCode(socket);
    say(socket);
    expect(await closed).toBe(code);
    expect(edge.closed).toBe(false);
    expect((await fetch(rig.playlistUrl)).status).toBe(200);
    expect((await edge.put(0)).status).toBe(200);
  });

  test('of another edge may not take a source that has an owner', async () => {
    const thief = await FakeEdge.start(rig.control.url, 'edge-8');
    await rig.until('control tells', async () => {
      const trouble = (await rig.source(SOURCE))?.['trouble'] as { code: string } | undefined;
      return trouble?.code === 'source_taken';
    });
    expect(await rig.source(SOURCE)).toMatchObject({ edge: 'edge-9' });
    const stolen = { 'LiveMix-Edge': 'edge-8', 'LiveMix-Link': String(thief.generation) };
    expect(await edge.put(5, stolen)).toMatchObject({ status: 403 });
    expect((await edge.put(5)).status).toBe(201);
    thief.close();
  });

  test('a newer link of the same edge ends the older one, whose uploads are refused (T22)', async () => {
    const older = edge;
    edge = await FakeEdge.start(rig.control.url);
    await rig.until('the newer one has its generation', () => edge.generation > older.generation);
    await rig.until('the older one is ended', () => older.closed);
    const stale = { 'LiveMix-Link': String(older.generation) };
    expect(await edge.put(6, stale)).toMatchObject({ status: 409, body: { code: 'stale_link' } });
    expect((await edge.put(6)).status).toBe(201);
    older.close();
  });
});
