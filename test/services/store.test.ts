import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MIB, millis, seconds } from '../../src/media/units.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { ObjectExists } from '../../src/store/object-store.ts';
import { openStore } from '../../src/store/open-store.ts';
import { S3Store } from '../../src/store/s3-store.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { FaultStore } from '../support/fault-store.ts';
import { type Radosgw, startRadosgw } from '../support/radosgw.ts';
import { bytesOf, digestOf, factsOf, keysOf, newFolder, reasonOf, Told } from './store-bodies.ts';
import { describeObjectStore } from './store-contract.ts';

const clock = new SystemClock();

const body = randomBytes(100_000);
const timed = async <T>(task: Promise<T>) => {
  const start = performance.now();
  const [outcome] = await Promise.allSettled([task]);
  return { outcome, took: performance.now() - start };
};
describeObjectStore('memory', async () => new MemoryStore(clock));

describe('a store that can be hurt', () => {
  describeObjectStore('memory behind faults', async () => new FaultStore(new MemoryStore(clock)));

  test('it fails as it is told to, and counts', async () => {
    const store = new FaultStore(new MemoryStore(clock));
    store.failNext(2, 'slow_down');
    const put = (key: string) => reasonOf(store.put(key, body, factsOf(body)));
    expect([await put('a.ts'), await put('a.ts'), await put('a.ts')]).toEqual([
      'slow_down',
      'slow_down',
      'none',
    ]);
    store.dropAfterPut(1);
    expect([await put('b.ts'), await put('c.ts')]).toEqual(['none', 'none']);
    expect([await store.head('b.ts'), await store.head('c.ts')]).toEqual([undefined, { bytes: body.length }]);
    const reading = (await store.stream('c.ts'))!;
    store.down();
    expect(await reasonOf(store.get('a.ts'))).toBe('unreachable');
    expect(await reasonOf(keysOf(store, ''))).toBe('unreachable');
    expect(await reasonOf(bytesOf(reading))).toBe('unreachable');
    store.up();
    store.delay(50);
    expect((await timed(store.get('a.ts'))).took).toBeGreaterThan(45);
    expect(store.countsOf('a.ts')).toEqual({ puts: 3, gets: 2, reads: 0, deletes: 0 });
    expect(store.counts.puts).toBe(5);
    expect([store.failures, store.mostUnderway]).toEqual([4, 1]);
  });
});

describe('folder', () => {
  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'livemix-store-'));
  });
  afterAll(() => rm(home, { recursive: true }));
  describeObjectStore('folder', () => openStore(pathToFileURL(home).href, { clock, events: new Told() }));
});

describe('S3 of Ceph', { timeout: 60_000 }, () => {
  let ceph: Radosgw;
  let proxy: FaultProxy;
  const before = { ...process.env };
  const url = (query = '', bucket = ceph.bucket, endpoint = ceph.endpoint) =>
    `s3://${bucket}/a.prefix?endpoint=${encodeURIComponent(endpoint)}${query}`;
  const open = (address: string, told = new Told()) => openStore(address, { clock, events: told });
  beforeAll(async () => {
    ceph = await startRadosgw();
    proxy = await startFaultProxy(ceph.endpoint);
    Object.assign(process.env, ceph.environment);
  }, 120_000);
  afterAll(async () => {
    for (const name of Object.keys(ceph?.environment ?? {})) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    await proxy?.[Symbol.asyncDispose]();
    await ceph?.close();
  });

  describeObjectStore('S3', () => open(url()));

  test('stores of other prefixes do not see each other', async () => {
    const [one, other] = [await open(url()), await open(url().replace('a.prefix', 'a'))];
    const key = `${newFolder()}/a.ts`;
    await one.put(key, body, factsOf(body));
    expect(await other.get(key)).toBeUndefined();
    expect(await keysOf(other, '')).toEqual([]);
    const whole = await open(url().replace('/a.prefix', ''));
    expect(await keysOf(whole, `a.prefix/${key}`)).toEqual([`a.prefix/${key}`]);
    await Promise.all([one, other, whole].map((store) => store.close()));
  });

  test('a ticket lets its bearer put that object, once', async () => {
    const store = await open(url('&edges=direct'));
    expect(store.givesTickets).toBe(true);
    const md5 = createHash('md5').update(body).digest('base64');
    const facts = { bytes: body.length, contentType: 'video/mp2t', md5 };
    const ask = async (change: Partial<typeof facts> = {}) => {
      const key = `${newFolder()}/a.ts`;
      return { key, ...(await store.ticket(key, { ...facts, ...change }, seconds(60)))! };
    };
    const send = (ticket: { url: string; headers: Readonly<Record<string, string>> }, bytesSent: Buffer) =>
      fetch(ticket.url, { method: 'PUT', headers: ticket.headers, body: bytesSent }).then(
        ({ status }) => status,
      );
    const right = await ask();
    expect(await send(right, body)).toBe(200);
    expect((await store.get(right.key))?.equals(body)).toBe(true);
    expect(await send(right, body)).toBe(412);

    const short = await ask();
    const headers = { ...short.headers, 'content-length': '99999' };
    expect(await send({ ...short, headers }, body.subarray(1))).toBe(403);
    const other = await ask();
    const sameLength = randomBytes(body.length);
    expect(await send(other, sameLength)).toBe(400);
    const otherMd5 = createHash('md5').update(sameLength).digest('base64');
    expect(await send({ ...other, headers: { ...other.headers, 'content-md5': otherMd5 } }, sameLength)).toBe(
      403,
    );
    const typed = await ask();
    expect(await send({ ...typed, headers: { ...typed.headers, 'content-type': 'text/html' } }, body)).toBe(
      403,
    );
    const careless = await ask();
    const { 'if-none-match': _, ...without } = careless.headers;
    expect(await send({ ...careless, headers: without }, body)).toBe(403);
    expect(await send({ ...careless, url: careless.url.replace('a.ts', 'b.ts') }, body)).toBe(403);
    for (const { key } of [short, other, typed, careless]) expect(await store.head(key)).toBeUndefined();

    await expect(ask({ md5: 'none' })).rejects.toThrow(RangeError);
    await expect(store.ticket('../a', facts, seconds(60))).rejects.toThrow(RangeError);
    const shut = await open(url());
    expect(await shut.ticket(right.key, facts, seconds(60))).toBeUndefined();
    await Promise.all([store.close(), shut.close()]);
  });

  test('a ticket ends', async () => {
    const store = await open(url('&edges=direct'));
    const md5 = createHash('md5').update(body).digest('base64');
    const ticket = await store.ticket(
      'late/a.ts',
      { bytes: body.length, contentType: 'a/b', md5 },
      seconds(1),
    );
    await clock.sleep(millis(2500));
    const answer = await fetch(ticket!.url, { method: 'PUT', headers: ticket!.headers, body });
    expect(answer.status).toBe(403);
    await store.close();
  });

  test('a bucket that is not there says so', async () => {
    const store = await open(url('', 'no-such-bucket'));
    await expect(store.get('a.ts')).rejects.toThrow(/no such bucket/);
    await expect(store.put('a.ts', body, factsOf(body))).rejects.toThrow(/no such bucket/);
    expect(await reasonOf(keysOf(store, ''))).toBe('broken');
    await store.close();
  });

  test('other keys are denied', async () => {
    process.env['AWS_SECRET_ACCESS_KEY'] = 'another secret';
    const told = new Told();
    const store = await open(url(), told);
    const reasons = [store.get('a.ts'), store.put('a.ts', body, factsOf(body)), keysOf(store, '')].map(
      reasonOf,
    );
    expect(await Promise.all(reasons)).toEqual(['denied', 'denied', 'denied']);
    expect(await reasonOf(store.head('a.ts'))).toBe('denied');
    expect(told.lines).not.toContain('opened');
    process.env['AWS_SECRET_ACCESS_KEY'] = ceph.secretKey;
    await store.close();
  });

  test('a store that went away fails soon, then at once, and is used when it is back', async () => {
    const told = new Told();
    const store = await open(url('', ceph.bucket, proxy.url), told);
    const key = `${newFolder()}/a.ts`;
    await store.put(key, body, factsOf(body));
    await proxy.reset();
    const first = await timed(store.get(key));
    expect(first.outcome).toMatchObject({ status: 'rejected', reason: { reason: 'unreachable' } });
    expect(first.took).toBeLessThan(10_000);
    for (let call = 0; call < 4; call++) expect(await reasonOf(store.get(key))).toBe('unreachable');
    expect(told.lines.filter((line) => line === 'opened')).toHaveLength(1);
    const calls = await timed(Promise.all(Array.from({ length: 500 }, () => reasonOf(store.get(key)))));
    expect(calls.took).toBeLessThan(1000);
    await proxy.heal();
    for (const end = performance.now() + 10_000; performance.now() < end; await clock.sleep(millis(100))) {
      if ((await reasonOf(store.get(key))) === 'none') break;
    }
    expect((await store.get(key))?.equals(body)).toBe(true);
    expect(told.lines.at(-1)).toBe('closed');
    await store.close();
  });

  test('silence is not waited for, neither in an answer nor while sending', async () => {
    const parsed = {
      kind: 's3',
      bucket: ceph.bucket,
      prefix: '',
      endpoint: proxy.url,
      direct: false,
    } as const;
    const store = await S3Store.open(parsed, { clock, events: new Told(), silence: millis(1000) });
    const large = randomBytes(8 * MIB);
    const key = `${newFolder()}/a.ts`;
    await store.put(key, large, factsOf(large));
    const reading = (await store.stream(key))!;
    proxy.cut();
    const rest = timed(
      (async () => {
        for await (const _ of reading);
      })(),
    );
    const [asked, sent] = await Promise.all([
      timed(store.head(key)),
      timed(store.put(`${key}.2`, large, factsOf(large))),
    ]);
    for (const { outcome, took } of [asked, sent, await rest]) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { reason: 'unreachable' } });
      expect(took).toBeLessThan(8000);
    }
    await proxy.heal();
    expect((await store.get(key))?.equals(large)).toBe(true);
    await store.close();
  });

  test('a connection that breaks while an object is sent leaves nothing', async () => {
    const store = await open(url('', ceph.bucket, proxy.url));
    const large = randomBytes(4 * MIB);
    const key = `${newFolder()}/a.ts`;
    const broken = proxy.resetAfter(2 * MIB);
    expect(await reasonOf(store.put(key, large, factsOf(large)))).toBe('unreachable');
    await broken;
    expect(await store.head(key)).toBeUndefined();
    await store.put(key, large, factsOf(large));
    await expect(store.put(key, large, factsOf(large))).rejects.toThrow(ObjectExists);
    expect(digestOf((await store.get(key))!)).toBe(digestOf(large));
    await store.close();
  });
});
