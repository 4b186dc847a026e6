import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { cacheKey } from '../../cache/cache-key.ts';
import type { SegmentCache } from '../../cache/segment-cache.ts';
import type { CatalogSegment } from '../../catalog/catalog.ts';
import { segmentFileName, URL_DIGEST_LENGTH } from '../../media/carried.ts';
import { recordForTest } from '../../media/record-for-test.ts';
import { bytes } from '../../media/units.ts';
import { FakeClock } from '../../runtime/fake-clock-for-test.ts';
import { HurtStore } from '../../store/hurt-store-for-test.ts';
import type { ControlEvents } from '../events.ts';
import { ReplaySegments, type StoredSegments } from './replay-segments.ts';

const place = { source: 'camera-0', rendition: 'main' };
const contentOf = (sequence: number) => Buffer.alloc(188, sequence + 1);
const digestOf = (content: Buffer) => createHash('sha256').update(content).digest('base64url');

/** Keeps what it is given, for ever. */
class Cache implements SegmentCache {
  readonly values = new Map<string, Buffer>();
  get = async (key: string) => this.values.get(key);
  set = async (key: string, value: Buffer) => void this.values.set(key, value);
  touch = async () => undefined;
  close = async () => undefined;
}

let clock: FakeClock;
let store: HurtStore;
let cache: Cache;
let rows: Map<number, CatalogSegment>;
let lookups: number;
let lost: number[];
let asked: number[];
let segments: ReplaySegments;

beforeEach(() => {
  clock = new FakeClock();
  clock.pass(1);
  store = new HurtStore(clock);
  cache = new Cache();
  rows = new Map();
  lookups = 0;
  lost = [];
  asked = [];
  const stored: StoredSegments = {
    hasSource: (source) => source === 'camera-0',
    askedFor: (_source, _rendition, sequence) => void asked.push(sequence),
    find: async (_source, _rendition, sequence) => {
      lookups += 1;
      return rows.get(sequence);
    },
    lost: async ({ record }) => void lost.push(record.sequence),
  };
  const events = new Proxy({} as ControlEvents, { get: () => () => undefined });
  segments = new ReplaySegments(stored, store, cache, clock, events);
});

const keep = async (sequence: number, object: Buffer | undefined = contentOf(sequence)) => {
  const content = contentOf(sequence);
  const record = recordForTest(sequence, { digest: digestOf(content), bytes: bytes(content.length) });
  const row = { ...place, record, key: `segments/${sequence}` };
  rows.set(sequence, row);
  await store.put(row.key, object, { bytes: object.length, contentType: 'video/mp2t' });
  return row;
};
const find = ({ record }: CatalogSegment, source = 'camera-0') =>
  segments.find({
    ...place,
    source,
    fileName: segmentFileName(record),
    sequence: record.sequence,
    digest: record.digest.slice(0, URL_DIGEST_LENGTH),
    extension: record.extension,
  } as Parameters<typeof segments.find>[0]);
const keyOf = ({ record }: CatalogSegment) => cacheKey('camera-0', 'main', segmentFileName(record));
/** Lets all go on that does not wait for time. */
const later = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};
/** Waits for what looks a second time. */
const onSecondLook = async <T>(promise: Promise<T>): Promise<T> => {
  promise.catch(() => undefined);
  await later();
  clock.pass(300);
  return promise;
};

describe('a segment that is asked for', () => {
  test('by a thousand at once is looked up once, read once, and all are sent the same bytes', async () => {
    const row = await keep(1);
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => find(row)));
    expect(answers[0]).toEqual(contentOf(1));
    expect(new Set(answers).size).toBe(1);
    expect([store.counts.gets, lookups]).toEqual([1, 1]);
  });

  test('comes from the cache afterwards', async () => {
    const row = await keep(1);
    await find(row);
    store.down();
    expect(await find(row)).toEqual(contentOf(1));
  });

  test('is not there where nothing is recorded, where no row has it, or where its name is another', async () => {
    const row = await keep(1);
    expect(await find(row, 'camera-1')).toBeUndefined();
    expect(lookups).toBe(0);
    const guessed = { ...row, record: { ...row.record, digest: digestOf(contentOf(2)) } };
    expect(await find(guessed)).toBeUndefined();
    rows.set(1, { ...row, record: { ...row.record, gap: 'object_lost' } });
    expect(await find(row)).toBeUndefined();
    expect(store.counts.gets).toBe(0);
  });

  test('tells that somebody asked, so that the next ones can be brought', async () => {
    await find(await keep(1));
    expect(asked).toEqual([1]);
  });
});

describe('a store in trouble', () => {
  test('is asked once, and all who wait are told; it is asked again a second later', async () => {
    const row = await keep(1);
    store.down();
    const answers = await Promise.allSettled(Array.from({ length: 1_000 }, () => find(row)));
    for (const answer of answers) {
      expect(answer).toMatchObject({
        status: 'rejected',
        reason: { code: 'store_unavailable', retryAfter: 2 },
      });
    }
    store.up();
    await expect(find(row)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(store.counts.gets).toBe(1);
    expect(lost).toEqual([]);
    clock.pass(1_000);
    expect(await find(row)).toEqual(contentOf(1));
  });

  test('an object that is gone is said to be lost, after a second look', async () => {
    const row = await keep(1);
    await store.delete(row.key);
    expect(await onSecondLook(find(row))).toBeUndefined();
    expect(lost).toEqual([1]);
    expect(store.counts.gets).toBe(2);
  });

  test('an object that comes late is no loss', async () => {
    const row = await keep(1);
    await store.delete(row.key);
    const asking = find(row);
    await later();
    await keep(1);
    expect(await onSecondLook(asking)).toEqual(contentOf(1));
    expect(lost).toEqual([]);
  });

  test('an object that is not what it was is lost, and nobody is sent it', async () => {
    const row = await keep(1, contentOf(9));
    expect(await onSecondLook(find(row))).toBeUndefined();
    expect(lost).toEqual([1]);
    expect(cache.values.size).toBe(0);
  });
});

describe('a cache that somebody else writes to', () => {
  test('wrong bytes in it are not sent', async () => {
    const row = await keep(1);
    await cache.set(keyOf(row), contentOf(9));
    expect(await find(row)).toEqual(contentOf(1));
    expect(cache.values.get(keyOf(row))).toEqual(contentOf(1));
  });
});

describe('reading ahead', () => {
  test('brings what will be asked for, once', async () => {
    const ahead = await Promise.all([1, 2, 3].map((sequence) => keep(sequence)));
    segments.readAhead(ahead);
    segments.readAhead(ahead);
    await later();
    expect(store.counts.gets).toBe(3);
    store.down();
    expect(await find(ahead[2]!)).toEqual(contentOf(3));
    clock.pass(300_001);
    cache.values.clear();
    store.up();
    segments.readAhead(ahead);
    await later();
    expect(store.counts.gets).toBe(6);
  });

  test('leaves gaps alone, and what is too much', async () => {
    const ahead = await Promise.all(Array.from({ length: 20 }, (_, sequence) => keep(sequence)));
    segments.readAhead([{ ...ahead[0]!, record: { ...ahead[0]!.record, gap: 'object_lost' } }]);
    segments.readAhead(ahead);
    await later();
    expect(store.counts.gets).toBe(8);
  });

  test('that fails is left to whoever asks', async () => {
    const row = await keep(1);
    store.down();
    segments.readAhead([row]);
    await later();
    store.up();
    clock.pass(1_000);
    segments.readAhead([row]);
    await later();
    expect(cache.values.get(keyOf(row))).toEqual(contentOf(1));
  });

  test('what was brought ahead is not read again by who asks meanwhile', async () => {
    const row = await keep(1);
    segments.readAhead([row]);
    expect(await find(row)).toEqual(contentOf(1));
    await later();
    expect(store.counts.gets).toBe(1);
  });
});

test('whoever reads all of a recording does not push anything out of the cache', async () => {
  const row = await keep(1);
  expect(await segments.read(row)).toEqual(contentOf(1));
  expect(cache.values.size).toBe(0);
  await store.delete(row.key);
  expect(await onSecondLook(segments.read(row))).toBeUndefined();
  expect(lost).toEqual([1]);
  store.down();
  await expect(segments.read(row)).rejects.toMatchObject({ code: 'store_unavailable', status: 503 });
  expect(lost).toEqual([1]);
});
