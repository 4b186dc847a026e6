import { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { ArrivingBody } from './arriving-body.ts';

let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** What a reader gets that takes a moment for each chunk, as a busy disk does: bytes, or how it ended. */
async function pushed(send: Buffer, announced: number, maxBytes = 4_000_000): Promise<number | string> {
  const result = new Promise<number | string>((resolve) => {
    server = createServer(async (request, response) => {
      let size = 0;
      try {
        for await (const batch of new ArrivingBody(request, maxBytes).batches()) {
          for (const chunk of batch) size += chunk.length;
          await sleep(2);
        }
        resolve(size);
      } catch (error) {
        resolve((error as Error).name);
      }
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined).resume();
  socket.write(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${announced}\r\n\r\n`);
  socket.end(send);
  return result;
}

test('a connection that is closed behind the last byte costs nothing', async () => {
  for (const size of [1, 60_000, 131_976, 1_000_000]) {
    expect(await pushed(Buffer.alloc(size), size)).toBe(size);
    server.closeAllConnections();
    server.close();
  }
});

test('one that is closed before it, and a body that is too long, say so', async () => {
  expect(await pushed(Buffer.alloc(1_000), 2_000)).toBe('ClientGone');
  server.close();
  expect(await pushed(Buffer.alloc(1_001), 1_001, 1_000)).toBe('LiveMixError');
});

test('a million bytes that come one by one are handed on a thousand at a time', async () => {
  const request = new EventEmitter();
  const body = new ArrivingBody(request as IncomingMessage, 1_000_000);
  for (let at = 0; at < 1_000_000; at++) request.emit('data', Buffer.from([at & 0xff]));
  request.emit('end');
  const sizes: number[] = [];
  for await (const batch of body.batches()) sizes.push(batch.length);
  expect(Math.max(...sizes)).toBe(1_024);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(1_000_000);
});
