import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { bytes, millis } from '../media/units.ts';
import { answerText } from './answer.ts';
import { SystemClock } from './clock.ts';
import { FakeClock } from './fake-clock-for-test.ts';
import { type HttpServer, startHttpServer } from './http-server.ts';
import { exchange, rawClient } from './raw-client-for-test.ts';
import { type BodyLimits, ClientGone, ClientTooSlow, readBody } from './request-body.ts';

const maxBytes = 1024 * 1024;
let server: HttpServer;
let limits: BodyLimits;
let outcome: unknown;
let read: number;

beforeEach(async () => {
  limits = { maxBytes };
  outcome = undefined;
  server = await startHttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    clock: new SystemClock(),
    handle: answerDigest,
  });
});
afterEach(() => server.close(millis(0)));

async function answerDigest(request: IncomingMessage, response: ServerResponse) {
  const { socket } = request;
  try {
    const body = await readBody(request, limits);
    outcome = body;
    answerText(response, 200, digest(body));
  } catch (error) {
    outcome = error;
    throw error;
  } finally {
    read = socket.bytesRead;
  }
}

const digest = (body: Buffer) => createHash('sha256').update(body).digest('hex');
const post = (headers: string) => `POST / HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;
const noise = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7919) % 251));

test('a body of known length is read whole, and so are none and the largest', async () => {
  for (const body of [Buffer.alloc(0), noise, Buffer.alloc(maxBytes, 3)]) {
    const client = await rawClient(server.port);
    client.send(post(`Content-Length: ${body.length}\r\nConnection: close\r\n`));
    client.send(body);
    expect(await client.closed()).toContain(digest(body));
  }
});

test('a chunked body is read whole, however small its chunks', async () => {
  const chunks = Array.from(noise, (byte) => `1\r\n${String.fromCharCode(byte)}\r\n`).join('');
  const client = await rawClient(server.port);
  client.send(post('Transfer-Encoding: chunked\r\nConnection: close\r\n'));
  client.send(Buffer.from(`${chunks}0\r\n\r\n`, 'latin1'));
  expect(await client.closed()).toContain(digest(noise));
  expect((outcome as Buffer).buffer.byteLength).toBe(noise.length);
});

test('a request without a body has an empty one', async () => {
  expect(await exchange(server.port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toContain(
    digest(Buffer.alloc(0)),
  );
});

describe('a body that is too large', () => {
  test('is refused before a byte of it is read where its length is known', async () => {
    const client = await rawClient(server.port);
    client.send(post(`Content-Length: ${maxBytes + 1}\r\n`));
    const answer = await client.closed();
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toMatch(/\r\nConnection: close\r\n/);
  });

  test('is read to at most 64 KiB beyond the limit where it is not', async () => {
    const client = await rawClient(server.port);
    client.send(post('Transfer-Encoding: chunked\r\n'));
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536), Buffer.from('\r\n')]);
    for (let sent = 0; sent < 4 * maxBytes; sent += 65_536) client.send(chunk);
    await client.closed();
    expect(outcome).toMatchObject({ code: 'body_too_large' });
    expect(read).toBeLessThanOrEqual(maxBytes + 65_536 + 500);
  });
});

test('a client that goes before the end is gone, with nobody to answer', async () => {
  for (const headers of ['Content-Length: 10\r\n', 'Transfer-Encoding: chunked\r\n']) {
    outcome = undefined;
    const client = await rawClient(server.port);
    client.send(`${post(headers)}1\r\n`);
    await vi.waitFor(() => expect(server.connections()).toBe(1));
    client.socket.end();
    await client.closed().catch(() => {});
    await vi.waitFor(() => expect(outcome).toBeInstanceOf(ClientGone));
    expect(outcome).not.toBeInstanceOf(ClientTooSlow);
  }
});

describe('a body with a least rate', () => {
  test('that comes too slowly is cut', async () => {
    const clock = new FakeClock();
    limits = { maxBytes, minRate: { clock } };
    const client = await rawClient(server.port);
    client.send(post('Content-Length: 1000000\r\n'));
    client.send(Buffer.alloc(100_000));
    await vi.waitFor(() => expect(server.connections()).toBe(1));
    await vi.waitFor(() => expect(client.socket.bytesWritten).toBeGreaterThan(100_000));
    await new Promise((resolve) => setTimeout(resolve, 50));
    clock.pass(9_999);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(outcome).toBeUndefined();
    clock.pass(1_001);
    expect(await client.closed()).toBe('');
    expect(outcome).toBeInstanceOf(ClientTooSlow);
  });

  test('that comes fast enough is read', async () => {
    const clock = new FakeClock();
    limits = { maxBytes, minRate: { clock, bytesPerSecond: bytes(1000), after: millis(1000) } };
    const client = await rawClient(server.port);
    client.send(post('Content-Length: 5000\r\nConnection: close\r\n'));
    client.send(Buffer.alloc(4000));
    await new Promise((resolve) => setTimeout(resolve, 50));
    clock.pass(4000);
    client.send(Buffer.alloc(1000));
    expect(await client.closed()).toContain(digest(Buffer.alloc(5000)));
  });
});
