import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Catalog, CatalogSegment } from '../../catalog/catalog.ts';
import { LiveMixError } from '../../media/error.ts';
import type { SegmentRecord } from '../../media/segment-record.ts';
import { bytes, epochMs } from '../../media/units.ts';
import { HurtStore } from '../../store/hurt-store-for-test.ts';
import { Channels } from '../live/channels.ts';
import { contentOf, type Ground, openGround, realRecord, rowOf } from './ground-for-test.ts';
import { Keeper } from './keeper.ts';
import type { Recordings } from './recordings.ts';
import { Tickets } from './tickets.ts';

const place = { source: 'camera-0', rendition: 'main' };
const EDGE = 'edge-1';

let ground: Ground;
let store: HurtStore;
let recordings: Recordings;
let channels: Channels;
let keeper: Keeper;
let stored: CatalogSegment[];

/** The catalog, as another process makes it: the next `count` writes of segments are refused. */
const busyFor = (count: number): Catalog =>
  new Proxy(ground.catalog, {
    get: (catalog, name: keyof Catalog) =>
      name === 'addSegments' && count-- > 0
        ? () => Promise.reject(new LiveMixError('db_busy', 'the test holds the catalog'))
        : catalog[name],
  });
const open = (catalog = ground.catalog, of: HurtStore = store) => {
  const opened = new Keeper(catalog, of, recordings, channels, new Tickets(ground.clock), ground.events);
  opened.follow((segments) => void stored.push(...segments));
  return opened;
};

beforeEach(async () => {
  ground = await openGround();
  store = new HurtStore(ground.clock);
  recordings = await ground.openRecordings();
  channels = new Channels(bytes(1_000_000), 3, ground.clock, ground.events);
  stored = [];
  keeper = open();
  await recordings.start('camera-0', EDGE, { from: epochMs(ground.start) }, '');
});
afterEach(() => ground[Symbol.asyncDispose]());

const record = (sequence: number, change: Parameters<typeof realRecord>[2] = {}) =>
  realRecord(ground.start, sequence, change);
const announce = (...records: SegmentRecord[]) => keeper.announced(EDGE, place, { records });
const ticketOf = (answer: Awaited<ReturnType<typeof announce>>, sequence: number) => {
  const lacking = answer.lacking.find((one) => one.sequence === sequence);
  return (lacking as { url: string }).url.replace('/edge/v1/objects/', '');
};
const rows = () => ground.catalog.segments('camera-0', { from: epochMs(0) });
/** Live brought it to control. */
const bring = (one: SegmentRecord) => {
  const channel = channels.open('camera-0', 'main');
  channel.announce([one]);
  channel.accept(one, contentOf(one.sequence));
};

test('what neither control nor the store has comes by ticket; when it is there, it is settled', async () => {
  const answer = await announce(record(0), record(1));
  expect(answer.settled).toEqual([]);
  expect(answer.lacking.map(({ sequence }) => sequence)).toEqual([0, 1]);
  await keeper.received(ticketOf(answer, 1), EDGE, contentOf(1));
  const [row] = await rows();
  expect(row!.record).toEqual(record(1));
  expect(await store.get(row!.key!)).toEqual(contentOf(1));
  expect((await announce(record(0), record(1))).settled).toEqual([1]);
  expect(stored.map((one) => one.key)).toEqual([row!.key]);
});

test('an answer gives four tickets; the others are asked for later', async () => {
  const answer = await announce(...Array.from({ length: 9 }, (_, sequence) => record(sequence)));
  expect(answer.lacking.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3]);
});

test('what live has brought does not cross again', async () => {
  bring(record(0));
  expect(await announce(record(0))).toEqual({ settled: [0], lacking: [] });
  expect(ground.told).toEqual(expect.arrayContaining(['segmentStored']));
  expect((await rows()).map((row) => row.record.sequence)).toEqual([0]);
});

test('what no recording wants is settled, and nothing of it is stored', async () => {
  expect(await announce(record(-5, { sequence: 5 }))).toEqual({ settled: [5], lacking: [] });
  expect(await keeper.announced('edge-2', place, { records: [record(0)] })).toMatchObject({ settled: [0] });
  expect(await rows()).toEqual([]);
});

test('bytes that come when nobody wants them any more are refused', async () => {
  const answer = await announce(record(0));
  await recordings.delete(recordings.all[0]!.id);
  const late = keeper.received(ticketOf(answer, 0), EDGE, contentOf(0));
  await expect(late).rejects.toMatchObject({ code: 'recording_gone' });
  expect(store.counts.puts).toBe(0);
});

test('a head that is not what the ticket was given for is refused before its body', async () => {
  const id = ticketOf(await announce(record(0)), 0);
  const { digest } = record(0);
  keeper.refuseOther(id, EDGE, { length: 188, digest });
  for (const head of [
    { length: 189, digest },
    { length: 188, digest: record(1).digest },
  ]) {
    expect(() => keeper.refuseOther(id, EDGE, head)).toThrow(
      expect.objectContaining({ code: 'digest_mismatch' }),
    );
  }
});

describe('twice', () => {
  test('a segment that is announced while live’s is being stored is stored once', async () => {
    bring(record(0));
    const answers = await Promise.all([announce(record(0)), announce(record(0))]);
    expect(answers.map(({ settled }) => settled)).toEqual([[0], [0]]);
    expect(store.counts.puts).toBe(1);
  });

  test('two tickets for one segment: the first object stays, the second goes, and nobody hears of it', async () => {
    const first = ticketOf(await announce(record(0)), 0);
    const second = ticketOf(await announce(record(0)), 0);
    await keeper.received(first, EDGE, contentOf(0));
    await keeper.received(second, EDGE, contentOf(0));
    const [row] = await rows();
    expect(row!.key).toContain(first);
    expect(await ground.catalog.doomed(9)).toEqual([expect.stringContaining(second)]);
    expect(stored.map(({ key }) => key)).toEqual([row!.key]);
  });

  test('a number that comes again with other bytes: the first stays, and the operator is told', async () => {
    await ground.catalog.addSegments([rowOf(record(0))]);
    expect(await announce(record(0, { digest: record(1).digest }))).toEqual({ settled: [0], lacking: [] });
    expect(ground.told).toContain('numberReused');
  });
});

describe('gaps', () => {
  test('what the edge never got is stated at once, and heals when media comes after all', async () => {
    const gap = record(0, { gap: 'spool_full' });
    expect(await announce(gap)).toEqual({ settled: [0], lacking: [] });
    expect((await rows())[0]).toMatchObject({ key: undefined, record: { gap: 'spool_full' } });
    const answer = await announce(record(0));
    await keeper.received(ticketOf(answer, 0), EDGE, contentOf(0));
    expect((await rows())[0]!.record).toEqual(record(0));
  });

  test('media does not give way to a gap', async () => {
    await ground.catalog.addSegments([rowOf(record(0))]);
    expect((await announce(record(0, { gap: 'spool_corrupt' }))).settled).toEqual([0]);
    expect((await rows())[0]!.record).toEqual(record(0));
  });
});

describe('trouble', () => {
  const unavailable = { code: 'store_unavailable', retryAfter: 5 };

  test('while the store is down nothing is settled; later all of it is', async () => {
    bring(record(0));
    const id = ticketOf(await announce(record(1)), 1);
    store.down();
    await expect(announce(record(0), record(1))).rejects.toMatchObject(unavailable);
    await expect(keeper.received(id, EDGE, contentOf(1))).rejects.toMatchObject(unavailable);
    expect(await rows()).toEqual([]);
    store.up();
    const answer = await announce(record(0), record(1));
    expect(answer.settled).toEqual([0]);
    await keeper.received(ticketOf(answer, 1), EDGE, contentOf(1));
    expect((await announce(record(0), record(1))).settled).toEqual([0, 1]);
  });

  test('an object whose row was not written is not settled; the next try is, under another key', async () => {
    keeper = open(busyFor(1));
    bring(record(0));
    await expect(announce(record(0))).rejects.toMatchObject({ code: 'db_busy' });
    expect(await rows()).toEqual([]);
    expect(stored).toEqual([]);
    expect(await announce(record(0))).toMatchObject({ settled: [0] });
    expect(store.counts.puts).toBe(2);
    expect(stored).toHaveLength(1);
  });

  test('of several, those that were stored are settled and the others asked for again', async () => {
    bring(record(0));
    bring(record(1));
    store.failNext(1);
    expect((await announce(record(0), record(1))).settled).toEqual([1]);
    expect((await announce(record(0), record(1))).settled.sort()).toEqual([0, 1]);
  });
});

describe('an edge that reaches the store itself', () => {
  /** Gives tickets, as S3 does. */
  class DirectStore extends HurtStore {
    override get givesTickets() {
      return true;
    }
    override async ticket(key: string) {
      return { url: `https://store/${key}`, headers: {} };
    }
  }
  let direct: DirectStore;
  beforeEach(() => {
    direct = new DirectStore(ground.clock);
    keeper = open(ground.catalog, direct);
  });
  const facts = { bytes: 188, contentType: 'video/mp2t' };
  const keyOf = async () => {
    const answer = await keeper.announced(EDGE, place, { records: [record(0)], md5: { 0: 'md5' } });
    return new URL((answer.lacking[0] as { url: string }).url).pathname.slice(1);
  };

  test('is asked for an MD5 first; what it put is settled when the store has all of it', async () => {
    expect((await announce(record(0))).lacking).toEqual([{ sequence: 0, needs: 'md5' }]);
    const key = await keyOf();
    expect((await announce(record(0))).settled).toEqual([]);
    await direct.put(key, contentOf(0), facts);
    expect(await announce(record(0))).toEqual({ settled: [0], lacking: [] });
    expect((await rows())[0]!.key).toBe(key);
  });

  test('half an object is none', async () => {
    await direct.put(await keyOf(), contentOf(0).subarray(1), { ...facts, bytes: 187 });
    expect((await announce(record(0))).settled).toEqual([]);
  });
});
