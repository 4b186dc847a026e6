import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { millis } from '../media/units.ts';
import { SystemClock } from './clock.ts';
import { startHttpServer } from './http-server.ts';
import { rawClient } from './raw-client-for-test.ts';

const limits = { headers: millis(150), request: millis(300), checkEvery: millis(50) };
const head = (path: string) => `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`;

test('a body that may flow is taken as long as something comes, and is late when nothing does; another one is late', async () => {
  const got = new Map<string, number>();
  const handle = (request: IncomingMessage) =>
    void request.on('data', (chunk: Buffer) =>
      got.set(request.url!, (got.get(request.url!) ?? 0) + chunk.length),
    );
  const server = await startHttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    clock: new SystemClock(),
    limits,
    handle,
    mayFlow: ({ url }) => url === '/flows',
  });
  try {
    const flows = await rawClient(server.port);
    const plain = await rawClient(server.port);
    const closed = new Promise<number>((resolve) =>
      plain.socket.once('close', () => resolve(performance.now())),
    );
    const startedAt = performance.now();
    flows.socket.write(head('/flows'));
    plain.socket.write(head('/plain'));
    const sending = setInterval(() => {
      flows.socket.write('1\r\nx\r\n');
      if (!plain.socket.destroyed) plain.socket.write('1\r\nx\r\n');
    }, 40);
    expect((await closed) - startedAt).toBeLessThan(1_500);
    expect(flows.socket.destroyed).toBe(false);
    const ended = new Promise<void>((resolve) => flows.socket.once('close', () => resolve()));
    await expect.poll(() => got.get('/flows') ?? 0, { timeout: 5_000 }).toBeGreaterThan(25);
    expect(flows.socket.destroyed).toBe(false);
    clearInterval(sending);
    await ended;
    expect(got.get('/flows')).toBeGreaterThan(got.get('/plain')!);
  } finally {
    await server.close(millis(0));
  }
});
