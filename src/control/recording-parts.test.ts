import { mkdtempSync } from 'node:fs';
import { rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SegmentCache } from '../cache/segment-cache.ts';
import { bytes, epochMs } from '../media/units.ts';
import { FakeClock } from '../runtime/fake-clock-for-test.ts';
import { Scope } from '../runtime/scope.ts';
import { FileStore } from '../store/file-store.ts';
import { HurtStore } from '../store/hurt-store-for-test.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { EdgeLinks } from './edges/edge-links.ts';
import { Channels } from './live/channels.ts';
import { openRecordingParts } from './recording-parts.ts';
import { contentOf, type Ground, openGround, realRecord, rowOf } from './recordings/ground-for-test.ts';
import { decodeManifest, manifestKey } from './recordings/manifest.ts';

let ground: Ground;
let hurt: HurtStore;
let store: ObjectStore;
let folder: string;
let scopes: Scope[];
beforeEach(async () => {
  ground = await openGround();
  hurt = new HurtStore(ground.clock);
  store = hurt;
  folder = mkdtempSync(join(tmpdir(), 'livemix-parts-'));
  scopes = [];
});
afterEach(async () => {
  for (const scope of scopes.reverse()) await scope.close();
  await ground[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Control's process; the one before it may never have ended. */
const open = (clock = ground.clock) => {
  const scope = new Scope();
  scopes.push(scope);
  return openRecordingParts(
    {
      catalog: ground.catalog,
      store,
      cache: { get: async () => undefined, set: async () => undefined } as unknown as SegmentCache,
      channels: new Channels(bytes(1_000_000), 3, ground.clock, ground.events),
      links: { changedFor: () => undefined } as unknown as EdgeLinks,
      clock,
      events: ground.events,
      settings: { maxAgeDays: undefined, maxBytes: undefined, drainDays: 7 },
    },
    scope,
  );
};
/** A second in which what is due is written. */
const second = async () => {
  ground.clock.pass(1_000);
  // What was asked of the catalog before is answered before.
  for (let turn = 0; turn < 3; turn++) await ground.catalog.segments('camera-0', { from: epochMs(0) });
};
const manifestOf = async (id: string) => {
  const text = await store.get(manifestKey(id));
  return text && decodeManifest(text.toString());
};

test('a manifest that the end of control overtook is written when it is back', async () => {
  // Its clock stands still from the beginning: nothing that waits in it happens any more.
  const killed = await open(new FakeClock());
  const { id } = await killed.recordings.start('camera-0', 'edge-1', { from: epochMs(ground.start) }, '');
  await ground.catalog.addSegments([rowOf(realRecord(ground.start, 0))]);
  expect(await manifestOf(id)).toBeUndefined();
  await open();
  await second();
  expect((await manifestOf(id))?.segments.map(({ record }) => record.sequence)).toEqual([0]);
});

const keysLeft = async (prefix = '') => {
  const left: string[] = [];
  for await (const page of store.list(prefix)) left.push(...page.map(({ key }) => key));
  return left;
};
/** Stored as control does it, in the store that there is. */
const keep = async (sequence: number) => {
  const row = rowOf(realRecord(ground.start, sequence));
  await store.put(row.key!, contentOf(sequence), { bytes: 188, contentType: 'video/mp2t' });
  await ground.catalog.addSegments([row]);
};

test('while the store is away nothing is freed; half a minute after its return all is that was deleted, and no more', async () => {
  const { recordings } = await open();
  const span = (from: number, until: number) => ({
    from: epochMs(ground.start + from * 1_000),
    until: epochMs(ground.start + until * 1_000),
  });
  const { id } = await recordings.start('camera-0', 'edge-1', span(0, 6), '');
  await recordings.start('camera-0', 'edge-1', span(4, 8), '');
  for (const sequence of [0, 1, 2, 3]) await keep(sequence);
  await second();
  hurt.down();
  await recordings.delete(id);
  for (let minute = 0; minute < 9; minute++) {
    ground.clock.pass(60_000);
    await second();
  }
  hurt.up();
  const segments = () => keysLeft('segments/');
  expect(await segments()).toHaveLength(4);
  ground.clock.pass(30_000);
  for (let turn = 0; turn < 50 && (await segments()).length > 2; turn++) await second();
  expect(await segments()).toEqual(['segments/camera-0/main/2-t.ts', 'segments/camera-0/main/3-t.ts']);
});

test('objects that nothing knows of are removed soon after a start, and every six hours, once they are a day old', async () => {
  store = await FileStore.open(folder, { failed: () => undefined });
  const { recordings } = await open();
  await recordings.start('camera-0', 'edge-1', { from: epochMs(ground.start) }, '');
  await keep(0);
  /** Put by a process that died before it had written its row, so many hours before now. */
  const orphan = async (sequence: number, hours: number) => {
    const key = `segments/camera-0/main/${sequence}-lost.ts`;
    await store.put(key, contentOf(sequence), { bytes: 188, contentType: 'video/mp2t' });
    const at = (ground.clock.now() - hours * 3_600_000) / 1_000;
    await utimes(join(folder, key), at, at);
  };
  await utimes(join(folder, rowOf(realRecord(ground.start, 0)).key!), 0, 0);
  await orphan(7, 25);
  await orphan(8, 20);
  const names = async () =>
    (await keysLeft('segments/')).map((key) => key.slice('segments/camera-0/main/'.length));
  const until = async (...left: string[]) => {
    for (let turn = 0; turn < 200 && (await names()).length > left.length; turn++) await second();
    expect(await names()).toEqual(left);
  };
  expect(await names()).toHaveLength(3);
  ground.clock.pass(5 * 60_000);
  await until('0-t.ts', '8-lost.ts');
  ground.clock.pass(6 * 3_600_000);
  await until('0-t.ts');
});

test('a recording that is removed leaves nothing behind, and its segments go', async () => {
  const { recordings, remove, keeper } = await open();
  const { id } = await recordings.start('camera-0', 'edge-1', { from: epochMs(ground.start) }, '');
  const place = { source: 'camera-0', rendition: 'main' };
  const { lacking } = await keeper.announced('edge-1', place, { records: [realRecord(ground.start, 0)] });
  const ticket = (lacking[0] as { url: string }).url.split('/').at(-1)!;
  await keeper.received(ticket, 'edge-1', contentOf(0));
  await second();
  expect(await manifestOf(id)).toBeDefined();
  await remove(id);
  await scopes.at(-1)!.close();
  expect(await keysLeft()).toEqual([]);
});

test('a segment whose object is gone is a gap of every recording that has it, and is media again when it is back', async () => {
  const { recordings, recorded, verify } = await open();
  const start = () => recordings.start('camera-0', 'edge-1', { from: epochMs(ground.start) }, '');
  const [one, other] = [await start(), await start()];
  const row = rowOf(realRecord(ground.start, 0));
  await ground.catalog.addSegments([row]);
  const gaps = async () =>
    [await recorded.of(one), await recorded.of(other)].map((rows) => rows.map(({ record }) => record.gap));
  const check = async () => {
    for await (const _ of verify(one));
  };
  await check();
  expect(await gaps()).toEqual([['object_lost'], ['object_lost']]);
  await store.put(row.key!, contentOf(0), { bytes: 188, contentType: 'video/mp2t' });
  await check();
  expect(await gaps()).toEqual([[undefined], [undefined]]);
});
