import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { millis } from '../../src/media/units.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import { S3Store } from '../../src/store/s3-store.ts';
import { bytesOf, digestOf, factsOf, keysOf, reasonOf } from './store-bodies.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Answers with a status, when the body has come. */
const status =
  (code: number, body: string | Buffer = '', headers: Record<string, string | number> = {}): Answer =>
  async (request, response) => {
    for await (const _ of request);
    response.writeHead(code, headers).end(body);
  };
const ok = status(200);
const there = (body: Buffer): Answer => status(200, body, { 'content-length': body.length });

/** A server that answers what it is told, the last one again and again, and a store that believes it to be S3. */
async function startLiar(...answers: Answer[]) {
  const requests: IncomingMessage[] = [];
  const [first] = answers;
  const server = createServer((request, response) => {
    requests.push(request);
    void (answers.length > 1 ? answers.shift()! : (answers[0] ?? first!))(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const told: string[] = [];
  const { port } = server.address() as AddressInfo;
  const url = { kind: 's3', bucket: 'bucket', prefix: 'p', direct: false } as const;
  const store = await S3Store.open(
    { ...url, endpoint: `http://127.0.0.1:${port}` },
    {
      clock: new SystemClock(),
      silence: millis(700),
      events: {
        failed: (operation, reason) => void told.push(`${operation} ${reason}`),
        opened: () => void told.push('opened'),
        closed: () => void told.push('closed'),
      },
    },
  );
  const sequence = () => requests.map(({ method }) => method).join(' ');
  const end = async () => {
    await store.close();
    server.closeAllConnections();
    server.close();
  };
  return { store, told, requests, sequence, [Symbol.asyncDispose]: end };
}

const before = { ...process.env };
beforeAll(() => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' });
});
afterAll(() => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
});

const body = randomBytes(100_000);
const stream = () => Readable.from([body.subarray(0, 60_000), body.subarray(60_000)], { objectMode: false });
/** The requests a put was, the reason it failed for. */
async function put(given: Buffer | Readable, answers: Answer[], replace = false) {
  await using liar = await startLiar(...answers);
  const reason = await reasonOf(liar.store.put('a.ts', given, factsOf(body, { replace })));
  return `${liar.sequence()}: ${reason}`;
}

test('what a put says to the store', async () => {
  await using liar = await startLiar(ok, there(body), ok, there(body));
  await liar.store.put('a.ts', stream(), factsOf(body));
  await liar.store.put('a.ts', body, factsOf(body, { replace: true }));
  expect(liar.sequence()).toBe('PUT HEAD PUT HEAD');
  const [put, , replaced] = liar.requests.map(({ headers }) => headers);
  expect(liar.requests[0]!.url).toMatch(/^\/bucket\/p\/a\.ts/);
  expect(put).toMatchObject({
    'content-length': '100000',
    'content-type': 'video/mp2t',
    'if-none-match': '*',
    'accept-encoding': 'identity',
    'x-amz-content-sha256': Buffer.from(digestOf(body), 'base64url').toString('hex'),
  });
  for (const name of ['transfer-encoding', 'expect', 'content-encoding'])
    expect(put).not.toHaveProperty(name);
  expect(replaced).not.toHaveProperty('if-none-match');
  expect(replaced).toHaveProperty('content-md5');
});

test('a read is tried three times', async () => {
  await using liar = await startLiar(status(503), status(500), there(body));
  expect((await liar.store.get('a.ts'))?.equals(body)).toBe(true);
  expect(liar.told).toEqual(['get slow_down', 'get unreachable']);
  await using worse = await startLiar(status(429));
  expect(await reasonOf(worse.store.head('a.ts'))).toBe('slow_down');
  expect(worse.sequence()).toBe('HEAD HEAD HEAD');
  await using denied = await startLiar(status(403));
  expect(await reasonOf(denied.store.delete('a.ts'))).toBe('denied');
  expect(denied.sequence()).toBe('DELETE');
});

test('a put is tried again only where that does no harm', async () => {
  const taken = there(body);
  expect(await put(body, [status(503), ok, taken])).toBe('PUT PUT HEAD: none');
  expect(await put(body, [status(409), ok, taken])).toBe('PUT PUT HEAD: none');
  expect(await put(body, [status(500), ok, taken])).toBe('PUT: unreachable');
  expect(await put(body, [status(500), ok, taken], true)).toBe('PUT PUT HEAD: none');
  expect(await put(stream(), [status(503), ok, taken])).toBe('PUT: slow_down');
  expect(await put(stream(), [status(500), ok, taken], true)).toBe('PUT: unreachable');
  expect(await put(stream(), [status(507)])).toBe('PUT: full');
  expect(await put(stream(), [status(400)])).toBe('PUT: broken');
});

test('a store that takes an object and does not have it is broken', async () => {
  const gone = status(404);
  expect(await put(body, [ok, gone])).toBe('PUT HEAD HEAD: broken');
  expect(await put(body, [ok, there(body.subarray(1))])).toBe('PUT HEAD HEAD: broken');
  expect(await put(body, [ok, gone, there(body)])).toBe('PUT HEAD HEAD: none');
});

const half: Answer = (_, response) => {
  response.writeHead(200, { 'content-length': body.length });
  response.write(body.subarray(0, 50_000), () => response.destroy());
};

test('an answer that breaks off is read again, or told of to who streams it', async () => {
  await using liar = await startLiar(half, there(body), half);
  expect((await liar.store.get('a.ts'))?.equals(body)).toBe(true);
  expect(await reasonOf(bytesOf((await liar.store.stream('a.ts'))!))).toBe('unreachable');
});

test.each([
  ['nothing of use', status(200, 'welcome')],
  ['half an XML', status(200, '<ListBucketResult><Contents><Key>a')],
  ['a redirection', status(302, '', { location: 'http://127.0.0.1:1/' })],
])('a list that is %s harms nobody', async (_, answer) => {
  await using liar = await startLiar(answer);
  expect(['broken', 'unreachable', 'none']).toContain(await reasonOf(keysOf(liar.store, '')));
});

test('eight requests at once, no more; readers that take their time do not count', async () => {
  let [now, most] = [0, 0];
  await using liar = await startLiar(async (request, response) => {
    most = Math.max(most, ++now);
    await sleep(30);
    now--;
    void (request.url?.includes('slow') ? half : there(body))(request, response);
  });
  const readers = await Promise.all(Array.from({ length: 20 }, () => liar.store.stream('slow.ts')));
  await Promise.all(Array.from({ length: 40 }, () => liar.store.head('a.ts')));
  expect(most).toBe(8);
  // What came of them meanwhile waits for them.
  expect(await reasonOf(bytesOf(readers[0]))).toBe('unreachable');
  for (const reader of readers) reader?.destroy();
});

test('a store that refuses before it has read all is heard at once, and the body ended', async () => {
  await using liar = await startLiar((_, response) => response.writeHead(403).end());
  const source = new PassThrough();
  for (const first of [0, 1000]) source.write(body.subarray(first, first + 1000));
  const start = performance.now();
  expect(await reasonOf(liar.store.put('a.ts', source, factsOf(body)))).toBe('denied');
  expect(performance.now() - start).toBeLessThan(500);
  expect(source.destroyed).toBe(true);
});

test('a body that stands still is not the fault of the store', async () => {
  await using liar = await startLiar(ok);
  const source = new PassThrough();
  source.write(body.subarray(0, 1000));
  await expect(liar.store.put('a.ts', source, factsOf(body))).rejects.toThrow('the body stood still');
  expect(liar.told).toEqual([]);
});

test('a body that fails while it waits for its turn is passed on', async () => {
  await using liar = await startLiar(async (_, response) => {
    await sleep(200);
    response.end();
  });
  const busy = Array.from({ length: 8 }, () => liar.store.head('a.ts'));
  const source = new PassThrough();
  const put = liar.store.put('a.ts', source, factsOf(body));
  source.destroy(new Error('the camera fell'));
  await expect(put).rejects.toThrow('the camera fell');
  await Promise.all(busy);
});

test('closing ends what is under way and refuses what comes', async () => {
  await using liar = await startLiar(() => undefined);
  const waiting = [liar.store.get('a.ts'), liar.store.put('a.ts', stream(), factsOf(body))].map(reasonOf);
  await sleep(50);
  const start = performance.now();
  await liar.store.close();
  expect(await Promise.all(waiting)).toEqual(['unreachable', 'unreachable']);
  expect(await reasonOf(liar.store.head('a.ts'))).toBe('unreachable');
  expect(performance.now() - start).toBeLessThan(500);
});
