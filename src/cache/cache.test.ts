import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytes, epochMs, GIB, MIB, type Millis, millis, seconds } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import { type Answer, AnswerReader } from './answer-reader.ts';
import { Breaker } from './breaker.ts';
import { cacheKey, isCacheKey } from './cache-key.ts';
import { integrityTag, openTagged } from './integrity-tag.ts';
import { LayeredCache } from './layered-cache.ts';
import { MemoryCache } from './memory-cache.ts';
import { openCaches, parseCacheUrl } from './open-cache.ts';
import { rendezvous } from './rendezvous.ts';
import type { CacheEvents, SegmentCache } from './segment-cache.ts';

/** A clock that stands until it is moved. */
class StillClock implements Clock {
  #ms = 1000;
  now = () => epochMs(this.#ms);
  monotonic = (): Millis => millis(this.#ms);
  sleep = async () => undefined;
  after = () => ({ cancel: () => undefined });
  every = () => ({ cancel: () => undefined });
  pass(ms: number): void {
    this.#ms += ms;
  }
}

const silent: CacheEvents = {
  hit() {},
  miss() {},
  failed() {},
  poisoned() {},
  opened() {},
  closed() {},
  refusedSize() {},
};

describe('keys', () => {
  test('a key is short, of a fixed alphabet, and belongs to one source, rendition and file', () => {
    const keys = [
      cacheKey('a', 'main', '1-x.ts'),
      cacheKey('b', 'main', '1-x.ts'),
      cacheKey('a', 'low', '1-x.ts'),
      cacheKey('a', 'main', '2-x.ts'),
      cacheKey('\r\nflush_all\r\n', 'main', '2-x.ts'),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.every(isCacheKey)).toBe(true);
    expect(keys[0]).toBe(cacheKey('a', 'main', '1-x.ts'));
  });

  test('a value is known by its tag only under its own key', () => {
    const value = Buffer.from('bytes');
    const stored = Buffer.concat([integrityTag('k', value), value]);
    expect(openTagged('k', stored)).toEqual(value);
    expect(openTagged('l', stored)).toBeUndefined();
    expect(openTagged('k', stored.subarray(0, 20))).toBeUndefined();
    expect(openTagged('k', stored.subarray(0, 3))).toBeUndefined();
  });
});

describe('rendezvous', () => {
  const servers = ['a:1', 'b:1', 'c:1', 'd:1'];
  const keys = Array.from({ length: 4000 }, (_, index) => cacheKey('camera', 'main', `${index}.ts`));
  const chosen = (among: readonly string[]) => keys.map((key) => among[rendezvous(among, key)]);

  test('servers share the keys, in whatever order they are listed', () => {
    for (const server of servers) {
      const share = chosen(servers).filter((name) => name === server).length;
      expect(share).toBeGreaterThan(850);
      expect(share).toBeLessThan(1150);
    }
    expect(chosen([...servers].reverse())).toEqual(chosen(servers));
  });

  test('only the keys of a server that leaves move', () => {
    const before = chosen(servers);
    const after = chosen(servers.slice(0, 3));
    expect(after.filter((name, index) => before[index] !== 'd:1' && name !== before[index])).toEqual([]);
  });
});

describe('breaker', () => {
  test('three failures in a row open it; one trial after the pause decides', () => {
    const clock = new StillClock();
    const breaker = new Breaker(clock, () => 0.5);
    expect([breaker.failed(), breaker.failed()]).toEqual([false, false]);
    breaker.succeeded();
    expect([breaker.failed(), breaker.failed(), breaker.failed()]).toEqual([false, false, true]);
    expect([breaker.isOpen, breaker.takeTrial()]).toEqual([true, false]);
    clock.pass(1100);
    expect([breaker.takeTrial(), breaker.takeTrial()]).toEqual([true, false]);
    expect(breaker.failed()).toBe(false);
    expect([breaker.isOpen, breaker.takeTrial()]).toEqual([true, false]);
    clock.pass(1100);
    expect(breaker.takeTrial()).toBe(true);
    expect(breaker.succeeded()).toBe(true);
    expect(breaker.isOpen).toBe(false);
    expect(breaker.failed()).toBe(false);
  });

  test.each([
    [0, 200],
    [0.999999, 2000],
  ])('a random number of %d makes a pause of %d ms', (random, pause) => {
    const clock = new StillClock();
    const breaker = new Breaker(clock, () => random);
    for (let failure = 0; failure < 3; failure++) breaker.failed();
    clock.pass(pause - 1);
    expect(breaker.takeTrial()).toBe(false);
    clock.pass(1);
    expect(breaker.takeTrial()).toBe(true);
  });
});

describe('answers of memcached', () => {
  const stream = Buffer.from('VALUE k 0 5\r\n\r\nEND\r\nEND\r\nSTORED\r\nVALUE e 0 0\r\n\r\nEND\r\n');

  test('are the same however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 }), (lengths) => {
        const reader = new AnswerReader(100);
        const answers: Answer[] = [];
        let from = 0;
        for (const length of [...lengths, stream.length]) {
          // The reader may not keep the chunk: it is overwritten, as a connection does.
          const chunk = Buffer.from(stream.subarray(from, from + length));
          answers.push(...reader.read(chunk));
          chunk.fill(0);
          from += length;
        }
        expect(answers).toEqual([
          { kind: 'value', key: 'k', value: Buffer.from('\r\nEND') },
          { kind: 'line', line: 'END' },
          { kind: 'line', line: 'STORED' },
          { kind: 'value', key: 'e', value: Buffer.alloc(0) },
          { kind: 'line', line: 'END' },
        ]);
      }),
    );
  });

  test('are never anything but answers or a CacheFailure', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        try {
          for (const answer of new AnswerReader(100).read(Buffer.from(noise))) expect(answer).toBeDefined();
        } catch (error) {
          expect(error).toMatchObject({ name: 'CacheFailure', reason: 'protocol' });
        }
      }),
    );
  });
});

describe('memory', () => {
  test('the least recently used segments make room', async () => {
    const cache = new MemoryCache({ max: bytes(4 * MIB), clock: new StillClock(), events: silent });
    const keys = ['a', 'b', 'c', 'd', 'e'];
    for (const key of keys) {
      await cache.set(key, Buffer.alloc(MIB - 1000), seconds(60));
      await cache.get('a');
    }
    const kept = await Promise.all(keys.map(async (key) => (await cache.get(key)) !== undefined));
    expect(kept).toEqual([true, false, true, true, true]);
    await cache.set('whole', Buffer.alloc(5 * MIB), seconds(60));
    expect(await cache.get('whole')).toBeUndefined();
    expect(await cache.get('a')).toBeDefined();
  });

  test('time is the clock that was given', async () => {
    const clock = new StillClock();
    const cache = new MemoryCache({ max: bytes(4 * MIB), clock, events: silent });
    await cache.set('a', Buffer.from('a'), seconds(10));
    await cache.set('b', Buffer.from('b'), seconds(10));
    clock.pass(9000);
    await cache.touch('b', seconds(10));
    clock.pass(1001);
    expect([await cache.get('a'), await cache.get('b')]).toEqual([undefined, Buffer.from('b')]);
  });
});

test('a value set while an older one is fetched stays', async () => {
  const near = new MemoryCache({ max: bytes(4 * MIB), clock: new StillClock(), events: silent });
  let arrive: (value: Buffer) => void = () => undefined;
  let isAsked: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    isAsked = resolve;
  });
  const far: SegmentCache = {
    get: () =>
      new Promise((resolve) => {
        arrive = resolve;
        isAsked();
      }),
    set: async () => undefined,
    touch: async () => undefined,
    close: async () => undefined,
  };
  const cache = new LayeredCache(near, far);
  const fetching = cache.get('k');
  await asked;
  await cache.set('k', Buffer.from('new'), seconds(60));
  arrive(Buffer.from('old'));
  await fetching;
  expect(await cache.get('k')).toEqual(Buffer.from('new'));
});

describe('cache URLs', () => {
  test.each([
    ['memory:', { kind: 'memory', maxBytes: 256 * MIB, servers: [] }],
    ['memory:?max=2GiB', { kind: 'memory', maxBytes: 2 * GIB, servers: [] }],
    [
      'memcached://10.0.0.5:11211',
      { kind: 'memcached', maxBytes: 256 * MIB, servers: [{ host: '10.0.0.5', port: 11211 }] },
    ],
    [
      'memcached://a:1,[::1]:2?max=64MiB',
      {
        kind: 'memcached',
        maxBytes: 64 * MIB,
        servers: [
          { host: 'a', port: 1 },
          { host: '::1', port: 2 },
        ],
      },
    ],
  ])('%s', (url, parsed) => {
    expect(parseCacheUrl(url)).toEqual(parsed);
  });

  test.each([
    ['redis://host', /Write memory:/],
    ['', /Write memory:/],
    ['memory:?max=lots', /Write for example 2GiB/],
    ['memory:?max=1MiB', /16MiB or more/],
    ['memory:?size=1GiB', /no parameter "size"/],
    ['memcached://', /names no server/],
    ['memcached://host', /HOST:PORT/],
    ['memcached://host:0', /port 0/],
    ['memcached://a:1,a:1', /twice/],
    ['memcached://user:secret@host:11211', /HOST:PORT/],
  ])('%s is refused with the mend', (url, message) => {
    expect(() => openCaches(url, { clock: new StillClock(), events: silent })).toThrow(message);
  });
});
