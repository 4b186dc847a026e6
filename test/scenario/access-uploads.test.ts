import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type SegmentRecord, segmentFileName } from '../../src/media/segment-record.ts';
import { bytes, epochMs, seconds } from '../../src/media/units.ts';
import { contentDigest, LINK_PATH, recordsPath, segmentPath } from '../../src/wire/uplink.ts';
import { Rig } from '../support/rig.ts';

const TOKEN = 'the-edge-token-of-this-test-0123456789';
const SOURCE = 'camera-9';
const bearer = { Authorization: `Bearer ${TOKEN}` };
const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('base64url');
const contentOf = (sequence: number) => Buffer.alloc(1880, `segment ${sequence} `);
const recordOf = (sequence: number): SegmentRecord => ({
  sequence,
  at: epochMs(1_700_000_000_000 + sequence * 1000),
  duration: seconds(1),
  digest: sha256(contentOf(sequence)),
  bytes: bytes(1880),
  extension: 'ts',
  discontinuity: false,
  discontinuitySequence: 1,
  targetDuration: 1,
  listFrom: 0,
  encoder: {
    sequence,
    name: `${sequence}.ts`,
    bytes: bytes(1880),
    modifiedAt: epochMs(0),
    targetDuration: 1,
  },
});

/** A WebSocket to control that has said nothing yet. */
async function dial(headers: Record<string, string> = bearer): Promise<WebSocket> {
  const socket = new WebSocket(`${rig.control.url.replace('http', 'ws')}${LINK_PATH}`, { headers });
  socket.on('error', () => undefined);
  await once(socket, 'open');
  return socket;
}
const closeCode = async (socket: WebSocket): Promise<number> => {
  const [code] = (await once(socket, 'close', { signal: AbortSignal.timeout(5_000) })) as [number];
  return code;
};
const hello = (edge: string, spool = `spool-of-${edge}`) =>
  JSON.stringify({ type: 'hello', protocol: 2, version: '0', edge, spool });
const ping = JSON.stringify({ type: 'ping', sentAt: 1 });

/** An edge that says and sends what a test tells it. */
class FakeEdge {
  generation = 0;
  forwards = false;
  closed = false;
  #pinging: NodeJS.Timeout | undefined;

  private constructor(
    readonly name: string,
    readonly socket: WebSocket,
  ) {}

  static async start(name = 'edge-9'): Promise<FakeEdge> {
    const edge = new FakeEdge(name, await dial());
    edge.socket.on('close', () => {
      edge.closed = true;
    });
    edge.socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as Record<string, unknown>;
      if (message['type'] !== 'desired') return;
      edge.generation = message['generation'] as number;
      edge.forwards = (message['sources'] as { forward: string[] }[]).some((one) => one.forward.length > 0);
    });
    edge.socket.send(hello(name));
    edge.report();
    edge.#pinging = setInterval(() => edge.socket.send(ping), 1_000);
    return edge;
  }

  report(change: Record<string, unknown> = {}, name = SOURCE): void {
    const source = {
      name,
      sending: true,
      reservedSequence: 1000,
      reservedDiscontinuity: 32,
      floor: { sequence: 0, discontinuity: 0 },
      targetDuration: 1,
      forwarding: ['main'],
      ingestedBytes: 0,
      forwardedBytes: 0,
      lastSegmentAt: Date.now(),
      settledUntil: 0,
      reach: 0,
      backlogBytes: 0,
    };
    const report = { type: 'report', revision: 0, spoolBytes: 0, spoolMaxBytes: 1, uplinkBytesPerSecond: 0 };
    this.socket.send(JSON.stringify({ ...report, sources: [source], ...change }));
  }

  get headers(): Record<string, string> {
    return { ...bearer, 'LiveMix-Edge': this.name, 'LiveMix-Link': String(this.generation) };
  }

  close(): void {
    clearInterval(this.#pinging);
    this.socket.terminate();
  }
}

type Sent = {
  readonly method?: string;
  readonly headers?: Record<string, string | undefined>;
  readonly body?: Buffer;
};

/** Sends exactly these headers. Without a body it waits for the answer to the head. */
async function send(path: string, { method = 'PUT', headers = {}, body }: Sent) {
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  const sending = request(`${rig.control.url}${path}`, { method, headers: given as Record<string, string> });
  sending.on('error', () => undefined);
  if (body === undefined) sending.flushHeaders();
  else sending.end(body);
  const [response] = (await once(sending, 'response', { signal: AbortSignal.timeout(8_000) })) as [
    IncomingMessage,
  ];
  const said = await text(response);
  sending.destroy();
  return { status: response.statusCode, body: JSON.parse(said) as Record<string, unknown> };
}

/** Puts a segment as an edge does; `change` hurts its headers. */
const put = (
  sequence: number,
  change: Record<string, string | undefined> = {},
  body: Buffer | undefined = contentOf(sequence),
  source = SOURCE,
) =>
  send(segmentPath(source, 'main', sequence), {
    headers: {
      ...edge.headers,
      'Content-Type': 'video/mp2t',
      'Content-Length': '1880',
      'Content-Digest': contentDigest(sha256(contentOf(sequence))),
      ...change,
    },
    body,
  });
const announce = (
  records: readonly unknown[],
  change: Record<string, string | undefined> = {},
  source = SOURCE,
) => {
  const body = Buffer.from(JSON.stringify({ records }));
  const headers = {
    ...edge.headers,
    'Content-Type': 'application/json',
    'Content-Length': String(body.length),
  };
  return send(recordsPath(source, 'main'), { method: 'POST', headers: { ...headers, ...change }, body });
};
const served = async (sequence: number) =>
  (await fetch(`${rig.control.url}/m/${SOURCE}/main/${segmentFileName(recordOf(sequence))}`)).status;

let rig: Rig;
let edge: FakeEdge;
beforeAll(async () => {
  rig = await Rig.start({ control: { 'edge-token': TOKEN }, edge: { 'edge-token': TOKEN } });
  await rig.encoder.publish(4);
  await rig.until('the source appears', () => rig.source());
  edge = await FakeEdge.start();
  await rig.until('its source appears', () => rig.source(SOURCE));
  await fetch(`${rig.control.url}/v1/sources/${SOURCE}`, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/json' },
    body: '{"mode":"always"}',
  });
  await rig.until('it is to forward', () => edge.forwards && edge.generation > 0);
  expect((await announce(Array.from({ length: 20 }, (_, sequence) => recordOf(sequence)))).status).toBe(200);
});
afterAll(async () => {
  edge.close();
  await rig[Symbol.asyncDispose]();
});

describe('an upload', () => {
  test('is taken, and taken again without harm (T21)', async () => {
    expect(await put(0)).toEqual({ status: 201, body: { already: false } });
    expect(await put(0)).toEqual({ status: 200, body: { already: true } });
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
    expect(await put(1, change)).toMatchObject({ status, body: { code } });
    expect(await served(1)).toBe(404);
  });

  test('without a length is refused (T20)', async () => {
    const chunked = { 'Content-Length': undefined, 'Transfer-Encoding': 'chunked' };
    expect(await put(1, chunked)).toMatchObject({ status: 411, body: { code: 'length_required' } });
  });

  test('that is too large is refused before its body (T20)', async () => {
    const headers = {
      ...edge.headers,
      'Content-Type': 'video/mp2t',
      'Content-Length': String(33 * 1024 * 1024),
      'Content-Digest': contentDigest(sha256(contentOf(1))),
    };
    expect(await send(segmentPath(SOURCE, 'main', 1), { headers })).toMatchObject({
      status: 413,
      body: { code: 'too_large' },
    });
  });

  test('whose bytes are not those of its digest leaves nothing, and the right ones are taken (T20)', async () => {
    const wrong = contentOf(2);
    wrong[1000]! ^= 1;
    expect(await put(2, {}, wrong)).toMatchObject({ status: 422, body: { code: 'digest_mismatch' } });
    expect(await served(2)).toBe(404);
    expect((await put(2)).status).toBe(201);
    expect(await served(2)).toBe(200);
  });

  test('of other bytes under a number in use is refused; the first ones stay (T21)', async () => {
    expect((await put(3)).status).toBe(201);
    const other = Buffer.alloc(1880, 'other');
    const change = { 'Content-Digest': contentDigest(sha256(other)) };
    expect(await put(3, change, other)).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect(await served(3)).toBe(200);
  });

  test('that was not announced is refused', async () => {
    expect(await put(500)).toMatchObject({ status: 409, body: { code: 'not_wanted' } });
  });

  test.each(['camera-0', 'nobody'])(
    'to %s, which is not its own, is refused, and does not tell whether there is one (T19)',
    async (source) => {
      const refused = { status: 403, body: { code: 'source_not_yours' } };
      expect(await put(1, {}, contentOf(1), source)).toMatchObject(refused);
      expect(await announce([recordOf(1)], {}, source)).toMatchObject(refused);
    },
  );

  test.each(['uri', 'path', 'bucket', 'key'])(
    'a record with the field %s is refused (T23)',
    async (field) => {
      const { status } = await announce([{ ...recordOf(30), [field]: 'file:///etc/passwd' }]);
      expect(status).toBe(400);
      expect((await put(30)).status).toBe(409);
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
    expect((await announce([{ ...recordOf(31), ...change }])).status).toBe(400);
  });

  test('records without end are refused', async () => {
    const change = { 'Content-Length': String(2 * 1024 * 1024) };
    const headers = { ...edge.headers, 'Content-Type': 'application/json', ...change };
    expect((await send(recordsPath(SOURCE, 'main'), { method: 'POST', headers })).status).toBe(413);
  });

  test('what an edge has no business with is not there', async () => {
    expect(
      (await send('/edge/v1/other', { method: 'GET', headers: edge.headers, body: Buffer.alloc(0) })).status,
    ).toBe(404);
    const { status } = await send(recordsPath(SOURCE, 'main'), {
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
    const socket = await dial();
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
    const socket = await dial();
    const closed = closeCode(socket);
    say(socket);
    expect(await closed).toBe(code);
    expect(edge.closed).toBe(false);
    expect((await fetch(rig.playlistUrl)).status).toBe(200);
    expect((await put(0)).status).toBe(200);
  });

  test('of another edge may not take a source that has an owner', async () => {
    const thief = await FakeEdge.start('edge-8');
    await rig.until('control tells', async () => {
      const trouble = (await rig.source(SOURCE))?.['trouble'] as { code: string } | undefined;
      return trouble?.code === 'source_taken';
    });
    expect(await rig.source(SOURCE)).toMatchObject({ edge: 'edge-9' });
    const stolen = { 'LiveMix-Edge': 'edge-8', 'LiveMix-Link': String(thief.generation) };
    expect(await put(5, stolen)).toMatchObject({ status: 403 });
    expect((await put(5)).status).toBe(201);
    thief.close();
  });

  test('a newer link of the same edge ends the older one, whose uploads are refused (T22)', async () => {
    const older = edge;
    edge = await FakeEdge.start();
    await rig.until('the newer one has its generation', () => edge.generation > older.generation);
    await rig.until('the older one is ended', () => older.closed);
    const stale = { 'LiveMix-Link': String(older.generation) };
    expect(await put(6, stale)).toMatchObject({ status: 409, body: { code: 'stale_link' } });
    expect((await put(6)).status).toBe(201);
    older.close();
  });
});
