import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LayeredCache } from '../../src/cache/layered-cache.ts';
import { LARGEST_VALUE, MemcachedCache } from '../../src/cache/memcached-cache.ts';
import { MemoryCache } from '../../src/cache/memory-cache.ts';
import type { CacheEvents } from '../../src/cache/segment-cache.ts';
import { bytes, MIB, seconds } from '../../src/media/units.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import { type Memcached, startMemcached } from '../support/memcached.ts';
import { describeSegmentCache, eventually, newKey } from './cache-contract.ts';

const clock = new SystemClock();

/** Writes down what a cache tells. */
class Told implements CacheEvents {
  readonly lines: string[] = [];
  hit = (layer: string) => this.#note(`hit ${layer}`);
  miss = (layer: string) => this.#note(`miss ${layer}`);
  failed: CacheEvents['failed'] = (_, operation, error) => this.#note(`failed ${operation} ${error.reason}`);
  poisoned = () => this.#note('poisoned');
  opened = () => this.#note('opened');
  closed = () => this.#note('closed');
  refusedSize: CacheEvents['refusedSize'] = (_, size) => this.#note(`refused ${size}`);
  count = (start: string) => this.lines.filter((line) => line.startsWith(start)).length;
  #note = (line: string) => void this.lines.push(line);
}

const open = (servers: readonly Memcached[], told = new Told()) =>
  new MemcachedCache({
    servers: servers.map(({ port }) => ({ host: '127.0.0.1', port })),
    clock,
    events: told,
  });
const openMemory = (told = new Told()) => new MemoryCache({ max: bytes(64 * MIB), clock, events: told });
const timed = async <T>(task: Promise<T>) => {
  const start = performance.now();
  const value = await task;
  return { value, took: performance.now() - start };
};

describeSegmentCache('memory', async () => openMemory());

describe('memcached', () => {
  let server: Memcached;
  beforeAll(async () => {
    server = await startMemcached();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  describeSegmentCache('memcached', async () => open([server]));
  describeSegmentCache(
    'memory in front of memcached',
    async () => new LayeredCache(openMemory(), open([server])),
  );

  test('a segment of the largest size comes back as it was, and the probe finds no fault', async () => {
    const told = new Told();
    const cache = open([server], told);
    await cache.probe();
    const value = randomBytes(LARGEST_VALUE);
    const key = newKey();
    // What a busy machine does not bring in its time is a miss.
    const found = await eventually(async () => {
      await cache.set(key, value, seconds(60));
      return cache.get(key);
    });
    expect(found?.equals(value)).toBe(true);
    expect(told.lines.filter((line) => /refused|too_large|opened/.test(line))).toEqual([]);
    await cache.close();
  });

  test('a hundred viewers of one segment are one read of memcached', async () => {
    const [near, far] = [new Told(), new Told()];
    const cache = new LayeredCache(openMemory(near), open([server], far));
    const writer = open([server]);
    const key = newKey();
    const value = randomBytes(MIB);
    await writer.set(key, value, seconds(60));
    const before = await server.stat('cmd_get');
    const found = await Promise.all(Array.from({ length: 100 }, () => cache.get(key)));
    expect(found.every((buffer) => buffer === found[0] && buffer?.equals(value))).toBe(true);
    expect(await cache.get(key)).toBe(found[0]);
    expect((await server.stat('cmd_get')) - before).toBe(1);
    expect(far.lines).toEqual(['hit memcached']);
    expect(near.lines).toEqual(['miss memory', 'hit memory']);
    await Promise.all([cache.close(), writer.close()]);
  });

  test('flush_all is a miss, and what is set afterwards is there', async () => {
    const cache = open([server]);
    const key = newKey();
    await cache.set(key, Buffer.from('a'), seconds(60));
    await server.flushAll();
    expect(await cache.get(key)).toBeUndefined();
    // memcached forgets what was set within the second of the flush.
    const again = await eventually(async () => {
      await cache.set(key, Buffer.from('b'), seconds(60));
      return cache.get(key);
    });
    expect(again).toEqual(Buffer.from('b'));
    await cache.close();
  });

  test('what somebody else wrote under a key is told and never given out', async () => {
    const told = new Told();
    const cache = open([server], told);
    const [damaged, short, swapped] = [newKey(), newKey(), newKey()];
    await cache.set(damaged, Buffer.from('good bytes'), seconds(60));
    await server.raw(`append ${damaged} 0 0 1\r\n!\r\n`);
    await server.raw(`set ${short} 0 0 3\r\nabc\r\n`);
    const tag = createHash('sha256').update('other').digest().subarray(0, 16).toString('latin1');
    await server.raw(Buffer.from(`set ${swapped} 0 0 21\r\n${tag}other\r\n`, 'latin1'));
    for (const key of [damaged, short, swapped]) expect(await cache.get(key)).toBeUndefined();
    expect(told.count('poisoned')).toBe(3);
    await cache.set(damaged, Buffer.from('good bytes'), seconds(60));
    expect(await cache.get(damaged)).toEqual(Buffer.from('good bytes'));
    await cache.close();
  });
});

test('a frozen memcached costs 50 ms a few times, then nothing; it is back after it thaws', async () => {
  await using server = await startMemcached();
  const told = new Told();
  const cache = open([server], told);
  const key = newKey();
  await cache.set(key, Buffer.from('here'), seconds(600));
  expect(await cache.get(key)).toEqual(Buffer.from('here'));
  const before = told.lines.length;
  await server.freeze();

  const first = await timed(cache.get(key));
  expect(first.value).toBeUndefined();
  expect(first.took).toBeGreaterThan(45);
  expect(first.took).toBeLessThan(500);
  expect(told.lines.slice(before).filter((line) => line.startsWith('failed'))).toEqual([
    'failed get deadline',
  ]);

  for (let call = 0; call < 10; call++) expect((await timed(cache.get(key))).took).toBeLessThan(500);
  expect(told.count('opened')).toBe(1);
  const waits = await timed(Promise.all(Array.from({ length: 1000 }, () => cache.get(key))));
  expect(waits.took).toBeLessThan(50);

  server.thaw();
  expect(await eventually(() => cache.get(key))).toEqual(Buffer.from('here'));
  expect(told.count('closed')).toBe(1);
  await cache.close();
});

test('while memcached freezes and thaws, no key ever gives the bytes of another', {
  timeout: 60_000,
}, async () => {
  await using server = await startMemcached();
  const told = new Told();
  const cache = open([server], told);
  const entries = Array.from({ length: 64 }, (_, index) => ({
    key: newKey(),
    value: randomBytes(index % 8 === 0 ? MIB : 2000 + index),
  }));
  let [right, wrong, absent] = [0, 0, 0];
  let hammering = true;
  const hammer = async (offset: number) => {
    for (let turn = offset; hammering; turn++) {
      const { key, value } = entries[turn % entries.length]!;
      if (turn % 3 === 0) await cache.set(key, value, seconds(60));
      const found = await cache.get(key);
      if (found === undefined) absent++;
      else if (found.equals(value)) right++;
      else wrong++;
      if (found === undefined) await sleep(1);
    }
  };
  const hammers = Array.from({ length: 12 }, (_, index) => hammer(index * 5));
  for (const frozenMs of [10, 45, 55, 80, 120, 300, 30, 60]) {
    await sleep(250);
    await server.freeze();
    await sleep(frozenMs);
    server.thaw();
  }
  const before = right;
  await eventually(async () => (right > before + 100 ? true : undefined), 10_000);
  hammering = false;
  await Promise.all(hammers);
  expect({ wrong, poisoned: told.count('poisoned') }).toEqual({ wrong: 0, poisoned: 0 });
  expect(absent).toBeGreaterThan(0);
  expect(right).toBeGreaterThan(before + 100);
  await cache.close();
});

test('a frozen memcached does not make this process grow', async () => {
  await using server = await startMemcached();
  const told = new Told();
  const cache = open([server], told);
  await cache.set(newKey(), Buffer.from('x'), seconds(60));
  await server.freeze();
  const before = process.memoryUsage().rss;
  const value = randomBytes(8 * MIB);
  const sets = Array.from({ length: 200 }, () => cache.set(newKey(), value, seconds(60)));
  await sleep(30);
  const grown = process.memoryUsage().rss - before;
  const { took } = await timed(Promise.all(sets));
  expect(grown).toBeLessThan(64 * MIB);
  expect(took).toBeLessThan(500);
  expect(told.count('failed set overloaded')).toBeGreaterThan(180);
  await cache.close();
});

test('a memcached that dies and comes back is used again', async () => {
  await using server = await startMemcached();
  const told = new Told();
  const cache = open([server], told);
  const key = newKey();
  await cache.set(key, Buffer.from('one'), seconds(60));
  await server.kill();
  for (let call = 0; call < 6; call++) {
    const { value, took } = await timed(cache.get(key));
    expect(value).toBeUndefined();
    expect(took).toBeLessThan(500);
    await cache.set(key, Buffer.from('lost'), seconds(60));
  }
  expect(told.count('opened')).toBe(1);
  await server.restart();
  const again = await eventually(async () => {
    await cache.set(key, Buffer.from('two'), seconds(60));
    return cache.get(key);
  });
  expect(again).toEqual(Buffer.from('two'));
  expect(told.count('closed')).toBe(1);
  await cache.close();
});

test('a memcached with its default -I is told of once, and larger values pass it by', async () => {
  await using server = await startMemcached({ args: ['-m', '64'] });
  const told = new Told();
  const cache = open([server], told);
  await cache.probe();
  expect(told.count('refused')).toBe(1);
  const [large, small] = [newKey(), newKey()];
  for (let turn = 0; turn < 3; turn++) await cache.set(large, randomBytes(2 * MIB), seconds(60));
  await cache.set(small, randomBytes(MIB / 2), seconds(60));
  expect(await cache.get(large)).toBeUndefined();
  expect((await cache.get(small))?.length).toBe(MIB / 2);
  expect(told.lines.filter((line) => line.startsWith('refused'))).toEqual([
    `refused ${LARGEST_VALUE + 16}`,
    `refused ${2 * MIB + 16}`,
  ]);
  expect(told.count('failed set too_large')).toBe(3);
  expect(told.count('opened')).toBe(0);
  await cache.close();
});

test('values are kept where there is little memory or few connections', async () => {
  await using small = await startMemcached({ args: ['-I', '8m', '-m', '16', '-c', '16', '-t', '1'] });
  const told = new Told();
  const caches = Array.from({ length: 12 }, () => open([small], told));
  const value = randomBytes(MIB);
  for (let turn = 0; turn < 5; turn++) {
    for (const cache of caches) {
      const key = newKey();
      await cache.set(key, value, seconds(60));
      const { value: found, took } = await timed(cache.get(key));
      expect(found === undefined || found.equals(value)).toBe(true);
      expect(took).toBeLessThan(500);
    }
  }
  expect(told.count('hit')).toBeGreaterThan(0);
  expect(told.count('poisoned')).toBe(0);
  await Promise.all(caches.map((cache) => cache.close()));
});

test('of two servers each holds some keys; when one dies the keys of the other stay', async () => {
  await using one = await startMemcached();
  await using two = await startMemcached();
  const cache = open([one, two]);
  const replica = open([two, one]);
  const keys = Array.from({ length: 60 }, newKey);
  for (const key of keys) await cache.set(key, Buffer.from(key), seconds(60));
  for (const key of keys) expect(await replica.get(key)).toEqual(Buffer.from(key));
  const onOne = await one.stat('curr_items');
  expect(onOne).toBeGreaterThan(10);
  expect(onOne).toBeLessThan(50);
  await two.kill();
  const found = await Promise.all(keys.map((key) => cache.get(key)));
  expect(found.filter((value) => value !== undefined).length).toBe(onOne);
  await Promise.all([cache.close(), replica.close()]);
});

/** A server that answers every command with the same bytes. */
async function startLiar(answer: string) {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(answer));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port, [Symbol.asyncDispose]: stop };
}

test.each([
  ['a length beyond every limit', 'VALUE KEY 0 99999999999\r\n'],
  ['a length that is none', 'VALUE KEY 0 x\r\n'],
  ['a negative length', 'VALUE KEY 0 -1\r\n'],
  ['the value of another key', 'VALUE other 0 3\r\nabc\r\nEND\r\n'],
  ['two values', 'VALUE KEY 0 1\r\na\r\nVALUE KEY 0 1\r\nb\r\nEND\r\n'],
  ['a value that is longer than it says', 'VALUE KEY 0 3\r\nabcdefgh\r\nEND\r\n'],
  ['two answers', 'END\r\nEND\r\n'],
  ['another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ['no end of line', 'x'.repeat(100_000)],
  ['too many connections', 'ERROR Too many open connections\r\n'],
  ['nothing of use', 'SERVER_ERROR out of memory\r\n'],
])('a server that answers with %s is a miss and no crash', async (_, answer) => {
  const key = newKey();
  await using liar = await startLiar(answer.replaceAll('KEY', key));
  const told = new Told();
  const cache = new MemcachedCache({
    servers: [{ host: '127.0.0.1', port: liar.port }],
    clock,
    events: told,
  });
  for (let call = 0; call < 4; call++) {
    expect(await cache.get(key)).toBeUndefined();
    await cache.set(key, Buffer.from('x'), seconds(60));
    await cache.touch(key, seconds(60));
  }
  await sleep(20);
  expect(told.count('hit')).toBe(0);
  await cache.close();
});
