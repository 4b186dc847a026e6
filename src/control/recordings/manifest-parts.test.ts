import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import { openCatalog } from '../../catalog/open-catalog.ts';
import { epochMs } from '../../media/units.ts';
import { MemoryStore } from '../../store/memory-store.ts';
import type { ObjectFacts } from '../../store/object-store.ts';
import { type Ground, openGround, realRecord, rowOf } from './ground-for-test.ts';
import { decodeManifest, manifestKey } from './manifest.ts';
import { Manifests } from './manifests.ts';
import { type RebuildProgress, rebuild } from './rebuild.ts';
import { RecordedSegments } from './recorded-segments.ts';
import type { Recordings } from './recordings.ts';

/** A store that notes what is put. */
class NotingStore extends MemoryStore {
  puts: { key: string; bytes: number }[] = [];
  override async put(key: string, body: Buffer, facts: ObjectFacts): Promise<void> {
    this.puts.push({ key, bytes: body.length });
    await super.put(key, body, facts);
  }
}

let ground: Ground;
let store: NotingStore;
let folder: string;
let recordings: Recordings;
let recorded: RecordedSegments;
let manifests: Manifests;
let recording: CatalogRecording;
const open = () => {
  recorded = new RecordedSegments(ground.catalog);
  manifests = new Manifests(recordings, recorded, store, ground.clock, ground.events);
};
beforeEach(async () => {
  ground = await openGround();
  folder = mkdtempSync(join(tmpdir(), 'livemix-rebuilt-'));
  store = new NotingStore(ground.clock);
  recordings = await ground.openRecordings();
  open();
  recording = await recordings.start('camera-0', 'edge-1', { from: epochMs(ground.start) }, '');
});
afterEach(async () => {
  await ground[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const row = (sequence: number, change: Parameters<typeof realRecord>[2] = {}, rendition = 'main') => ({
  ...rowOf(realRecord(ground.start, sequence, change), `segments/camera-0/${rendition}/${sequence}-t.ts`),
  rendition,
});
const several = (from: number, until: number, rendition = 'main') =>
  Array.from({ length: until - from }, (_, index) => row(from + index, {}, rendition));
const add = async (rows: readonly CatalogSegment[]) => {
  for (let at = 0; at < rows.length; at += 500) await ground.catalog.addSegments(rows.slice(at, at + 500));
  recorded.added(rows, [recording]);
};
/** Writes the manifest. Resolves with what was put. */
const write = async () => {
  store.puts = [];
  manifests.changed(recording);
  manifests.sweep();
  await manifests.settled;
  return store.puts;
};
const keys = async () => {
  const found: string[] = [];
  for await (const page of store.list('recordings/')) found.push(...page.map(({ key }) => key));
  return found;
};
/** All rows of a catalog that is made from the store alone. */
const rebuilt = async () => {
  const catalog = await openCatalog(`sqlite:${join(folder, 'catalog.db')}`, { clock: ground.clock });
  let last: RebuildProgress | undefined;
  for await (const progress of rebuild(catalog, store)) last = progress;
  const rows = await catalog.segments('camera-0', recording);
  const found = await catalog.recordings();
  await catalog.close();
  return { rows, recordings: found, unreadable: last?.unreadable ?? [] };
};
const isPart = ({ key }: { key: string }) => key.includes('/parts/');

test('a recording of an hour has one manifest; a longer one is written in parts, once, and then only its end', async () => {
  await add(several(0, 1_800));
  expect(await write()).toHaveLength(1);
  await add(several(1_800, 4_300));
  const first = await write();
  expect(first.filter(isPart)).toHaveLength(4);
  await add(several(4_300, 4_330));
  const next = await write();
  expect(next.map(({ key }) => key)).toEqual([manifestKey(recording.id)]);
  const all = first.reduce((sum, { bytes }) => sum + bytes, 0);
  expect(next[0]!.bytes).toBeLessThan(all / 8);
  expect((await rebuilt()).rows).toEqual(await ground.catalog.segments('camera-0', recording));
});

test('what changes in the middle changes one part; the one before it goes when the new one is named', async () => {
  await add(several(0, 3_500));
  await write();
  const before = await keys();
  const lost = row(1_234, { gap: 'object_lost', digest: row(1_234).record.digest });
  await ground.catalog.restateSegment(lost);
  recorded.added([lost], [recording]);
  expect((await write()).filter(isPart)).toHaveLength(1);
  const after = await keys();
  expect(after).toHaveLength(before.length);
  expect(after.filter((key) => !before.includes(key))).toHaveLength(1);
  const { rows } = await rebuilt();
  expect(rows[1_234]!.record.gap).toBe('object_lost');
  expect(rows).toHaveLength(3_500);
});

test('numbers that do not follow, and several renditions, are all there again', async () => {
  await add([...several(10, 1_500), ...several(7_000, 8_700), ...several(10, 2_100, 'low')]);
  await write();
  const { parts, segments } = decodeManifest((await store.get(manifestKey(recording.id)))!.toString());
  expect(parts.length).toBeGreaterThan(3);
  expect(new Set(segments.map(({ rendition }) => rendition))).toEqual(new Set(['main', 'low']));
  expect((await rebuilt()).rows).toEqual(await ground.catalog.segments('camera-0', recording));
});

test('after a restart of control the same parts stand for the same, and others of an earlier process go', async () => {
  await add(several(0, 3_500));
  await write();
  const before = await keys();
  const other = `recordings/${recording.id}/parts/${'0'.repeat(32)}.json`;
  await store.put(other, Buffer.from('{}'), { bytes: 2, contentType: 'application/json' });
  open();
  await write();
  expect(await keys()).toEqual(before);
});

test('a part that is gone or changed is named; all else comes back', async () => {
  await add(several(0, 3_500));
  await write();
  const [gone, changed] = (await keys()).filter((key) => key.includes('/parts/'));
  await store.delete(gone!);
  const text = Buffer.from((await store.get(changed!))!.toString().replace('"bytes":188', '"bytes":189'));
  await store.put(changed!, text, { bytes: text.length, contentType: 'application/json', replace: true });
  const { rows, recordings: found, unreadable } = await rebuilt();
  expect(unreadable.map(({ key }) => key)).toEqual([gone, changed]);
  expect(found.map(({ id }) => id)).toEqual([recording.id]);
  expect(rows).toHaveLength(1_500);
});

test('nothing of it stays when the recording is removed', async () => {
  await add(several(0, 3_500));
  await write();
  await manifests.remove(recording.id, () => recordings.delete(recording.id));
  expect(await keys()).toEqual([]);
});
