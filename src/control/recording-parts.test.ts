import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SegmentCache } from '../cache/segment-cache.ts';
import { bytes, epochMs } from '../media/units.ts';
import { FakeClock } from '../runtime/fake-clock-for-test.ts';
import { Scope } from '../runtime/scope.ts';
import { MemoryStore } from '../store/memory-store.ts';
import type { EdgeLinks } from './edges/edge-links.ts';
import { Channels } from './live/channels.ts';
import { openRecordingParts } from './recording-parts.ts';
import { contentOf, type Ground, openGround, realRecord, rowOf } from './recordings/ground-for-test.ts';
import { decodeManifest, manifestKey } from './recordings/manifest.ts';

let ground: Ground;
let store: MemoryStore;
let scopes: Scope[];
beforeEach(async () => {
  ground = await openGround();
  store = new MemoryStore(ground.clock);
  scopes = [];
});
afterEach(async () => {
  for (const scope of scopes.reverse()) await scope.close();
  await ground[Symbol.asyncDispose]();
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
  const left: string[] = [];
  for await (const page of store.list('')) left.push(...page.map(({ key }) => key));
  expect(left).toEqual([]);
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
