import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { bytes, millis } from '../media/units.ts';
import { FakeClock } from './fake-clock-for-test.ts';
import { type HttpProblem, type HttpServer, type HttpServerOptions, startHttpServer } from './http-server.ts';
import { bytesTaken, unacknowledgedBytes } from './socket-progress.ts';

const body = Buffer.alloc(8 * 2 ** 20, 1);
let clock: FakeClock;
let server: HttpServer;
let problems: HttpProblem[];
let served: Socket[];
let clients: Socket[];

beforeEach(() => {
  clock = new FakeClock();
  problems = [];
  served = [];
  clients = [];
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  await server.close(millis(0));
});

async function start(options: Partial<HttpServerOptions> = {}) {
  server = await startHttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    clock,
    handle: (request, response) => {
      served.push(request.socket);
      response.writeHead(200, { 'Content-Length': body.length });
      response.end(body);
    },
    onProblem: (problem) => problems.push(problem),
    ...options,
  });
}

/** A client that asks for the body and reads nothing until it is told to. */
async function reader(): Promise<{ socket: Socket; read(count: number): Promise<void> }> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.on('readable', () => {});
  clients.push(socket);
  const before = served.length;
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await vi.waitFor(() => expect(served.length).toBe(before + 1));
  await settled();
  return {
    socket,
    async read(count) {
      for (let left = count; left > 0; ) {
        const chunk = socket.read(Math.min(left, socket.readableLength)) as Buffer | null;
        left -= chunk?.length ?? 0;
        if (chunk === null) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await settled();
    },
  };
}

/** Lets the kernel pass on what was read, and a sweep that has begun read its table: it takes as long as ours. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 30));
  await unacknowledgedBytes();
  await unacknowledgedBytes();
}

/** Lets time pass sweep by sweep; a sweep reads the kernel's table. */
async function pass(seconds: number) {
  for (let passed = 0; passed < seconds; passed += 5) {
    clock.pass(5_000);
    await settled();
  }
}

test('a reader that takes nothing is cut after 20 to 25 seconds and counted', async () => {
  await start();
  const { socket } = await reader();
  await pass(20);
  expect(problems).toEqual([]);
  await pass(5);
  expect(problems).toEqual([{ kind: 'slowReaderCut', peer: '127.0.0.1', pendingBytes: expect.any(Number) }]);
  expect(server.connections()).toBe(0);
  socket.destroy();
});

test('a reader that takes too little is cut as well', async () => {
  await start();
  const { read } = await reader();
  for (let turn = 0; turn < 5; turn++) {
    await read(1024);
    await pass(5);
  }
  expect(problems).toMatchObject([{ kind: 'slowReaderCut' }]);
});

// What the reader has acknowledged, the kernel's table of connections tells on Linux alone; CI runs there.
test.runIf(process.platform === 'linux')(
  'a slow reader that goes on is kept, also while the kernel takes no more of a large Buffer',
  async () => {
    await start();
    const { read } = await reader();
    const taken = bytesTaken(served[0]!);
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(body.length);
    for (let turn = 0; turn < 8; turn++) {
      await read(100 * 1024);
      await pass(5);
    }
    // Most of the 40 s the kernel's buffer was too full to take more; how large it is, it decides itself.
    expect(bytesTaken(served[0]!)).toBeLessThan(body.length);
    expect(problems).toEqual([]);
    // The kernel may acknowledge the last of what was read as late as it likes.
    for (let more = 0; problems.length === 0 && more < 12; more++) await pass(5);
    expect(problems).toMatchObject([{ kind: 'slowReaderCut' }]);
  },
);

test('a reader of the whole, and a connection with nothing pending, are left alone', async () => {
  await start();
  const { read } = await reader();
  await read(body.length);
  await pass(60);
  expect(problems).toEqual([]);
  expect(server.connections()).toBe(1);
});

test('a response that lasts too long is cut, unless it may', async () => {
  const limits = { response: millis(30_000), stalled: millis(600_000), stalledBytes: bytes(1) };
  const mayTakeLong = vi.fn().mockReturnValueOnce(true).mockReturnValue(false);
  await start({ limits, mayTakeLong });
  await reader();
  await pass(35);
  expect(problems).toEqual([]);
  await pass(5);
  expect(problems).toMatchObject([{ kind: 'longResponseCut' }]);
});
