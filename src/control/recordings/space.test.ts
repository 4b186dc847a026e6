import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { epochMs } from '../../media/units.ts';
import { HurtStore } from '../../store/hurt-store-for-test.ts';
import type { SourceReport } from '../../wire/link-messages.ts';
import { contentOf, type Ground, openGround, realRecord, rowOf } from './ground-for-test.ts';
import { manifestKey } from './manifest.ts';
import type { Recordings } from './recordings.ts';
import { Space, type SpaceSettings } from './space.ts';

const DAY_MS = 86_400_000;

let ground: Ground;
let store: HurtStore;
let recordings: Recordings;
let space: Space;
const open = (settings: Partial<SpaceSettings> = {}) => {
  space = new Space(
    ground.catalog,
    store,
    recordings,
    { maxAgeDays: undefined, maxBytes: undefined, ...settings },
    (id) => recordings.delete(id),
    ground.clock,
    ground.events,
  );
};
beforeEach(async () => {
  ground = await openGround();
  store = new HurtStore(ground.clock);
  recordings = await ground.openRecordings();
  open();
});
afterEach(() => ground[Symbol.asyncDispose]());

const at = (seconds: number) => epochMs(ground.start + seconds * 1_000);
const days = (count: number) => ground.clock.pass(count * DAY_MS);
/** Segments of two seconds, 188 bytes each, in the store and in the catalog. */
const keep = async (...sequences: number[]) => {
  for (const sequence of sequences) {
    const row = rowOf(realRecord(ground.start, sequence));
    await store.put(row.key!, contentOf(sequence), { bytes: 188, contentType: 'video/mp2t' });
    await ground.catalog.addSegments([row]);
  }
};
const record = async (from: number, until: number) => {
  const { id } = await recordings.start('camera-0', 'edge-1', { from: at(from), until: at(until) }, '');
  return id;
};
/** One that has ended. */
const ended = async (from: number, until: number) => {
  const id = await record(from, until);
  await recordings.reported(
    'edge-1',
    'spool-1',
    { name: 'camera-0', settledUntil: at(until), reach: 0 } as unknown as SourceReport,
    () => true,
  );
  return id;
};
const objects = async () => {
  const found: number[] = [];
  for await (const page of store.list('segments/')) {
    found.push(...page.map(({ key }) => Number(/(\d+)-/.exec(key)![1])));
  }
  return found;
};
const ids = () => recordings.all.map(({ id }) => id).sort();

describe('what no recording has', () => {
  test('goes, and what another one has stays', async () => {
    const id = await ended(0, 6);
    await record(4, 8);
    await keep(0, 1, 2, 3);
    await space.sweep();
    expect(await objects()).toEqual([0, 1, 2, 3]);
    await recordings.delete(id);
    await space.sweep();
    expect(await objects()).toEqual([2, 3]);
    expect(await ground.catalog.storedBytes()).toBe(2 * 188);
    expect(await ground.catalog.doomed(9)).toEqual([]);
  });

  test('stays doomed while the store is in trouble, and goes later', async () => {
    const id = await ended(0, 6);
    await keep(0, 1);
    await recordings.delete(id);
    store.down();
    await space.sweep();
    expect(ground.told).toContain('spaceFailed');
    store.up();
    expect(await objects()).toEqual([0, 1]);
    await space.sweep();
    expect(await objects()).toEqual([]);
  });

  test('a recording that begins before the sweep protects what it covers', async () => {
    const id = await ended(0, 6);
    await keep(0, 1, 2);
    await recordings.delete(id);
    await record(0, 3);
    await space.sweep();
    expect(await objects()).toEqual([0, 1]);
  });
});

describe('what is too old', () => {
  test('goes when it ended so many days ago, but not what is kept for ever or goes on', async () => {
    open({ maxAgeDays: 30 });
    const old = await ended(0, 2);
    const forEver = await ended(2, 4);
    const goesOn = await record(4, 600);
    await recordings.change(forEver, { keep: true });
    await keep(0, 1, 2);
    days(10);
    const young = await ended(6, 8);
    days(20);
    await space.sweep();
    expect(ids()).toContain(old);
    ground.clock.pass(1);
    await space.sweep();
    expect(ids()).toEqual([forEver, goesOn, young].sort());
    expect(await objects()).toEqual([1, 2]);
    days(11);
    await space.sweep();
    expect(ids()).toEqual([forEver, goesOn].sort());
  });
});

describe('what is too much', () => {
  test('the oldest goes first, until the rest fits', async () => {
    open({ maxBytes: 3 * 188 });
    for (const first of [0, 2, 4]) {
      await ended(first * 2, first * 2 + 4);
      await keep(first, first + 1);
      days(1);
    }
    await space.sweep();
    expect(await objects()).toEqual([4, 5]);
    expect(ids()).toHaveLength(1);
  });

  test('nothing goes that is kept for ever or goes on: the operator is told instead', async () => {
    open({ maxBytes: 188 });
    const forEver = await ended(0, 4);
    await recordings.change(forEver, { keep: true });
    await record(4, 8);
    await keep(0, 1, 2, 3);
    await space.sweep();
    expect(ids()).toHaveLength(2);
    expect(ground.told).toContain('quotaExceeded');
  });
});

describe('orphans', () => {
  const orphan = (sequence: number) =>
    store.put(`segments/camera-0/main/${sequence}-lost.ts`, contentOf(sequence), {
      bytes: 188,
      contentType: 'video/mp2t',
    });

  test('go when they are a day old; what a row names, or is about to, stays', async () => {
    await ended(0, 6);
    await keep(0, 1);
    await orphan(7);
    days(1);
    await orphan(8);
    await space.removeOrphans();
    expect(await objects()).toEqual([0, 1, 7, 8]);
    ground.clock.pass(1);
    await space.removeOrphans();
    expect(await objects()).toEqual([0, 1, 8]);
    expect(ground.told).toContain('orphansRemoved');
  });

  test('a catalog that was lost does not cost its recordings: none goes before they are restored', async () => {
    await orphan(7);
    const manifest = manifestKey('abcdefghijkmnpqr');
    await store.put(manifest, Buffer.from('{}'), { bytes: 2, contentType: 'application/json' });
    days(2);
    await space.removeOrphans();
    expect(await objects()).toEqual([7]);
    expect(ground.told).toContain('spaceFailed');
    await store.delete(manifest);
    await space.removeOrphans();
    expect(await objects()).toEqual([]);
  });

  test('parts of a manifest go when their recording is gone, and hold nothing up', async () => {
    const id = await ended(0, 6);
    const parts = [`recordings/${id}/parts/a.json`, 'recordings/abcdefghijkmnpqr/parts/b.json'];
    for (const key of parts) {
      await store.put(key, Buffer.from('{}'), { bytes: 2, contentType: 'application/json' });
    }
    await orphan(7);
    days(2);
    await space.removeOrphans();
    expect(await objects()).toEqual([]);
    const left: string[] = [];
    for await (const page of store.list('recordings/')) left.push(...page.map(({ key }) => key));
    expect(left).toEqual([parts[0]]);
  });
});
