import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CatalogRecording } from '../../catalog/catalog.ts';
import { epochMs } from '../../media/units.ts';
import { HurtStore } from '../../store/hurt-store-for-test.ts';
import { type Ground, openGround, realRecord, rowOf } from './ground-for-test.ts';
import { decodeManifest, encodeManifest, manifestKey } from './manifest.ts';
import { Manifests } from './manifests.ts';
import { RecordedSegments } from './recorded-segments.ts';
import type { Recordings } from './recordings.ts';

const recording: CatalogRecording = {
  id: 'abcdefghijkmnpqr',
  source: 'camera-0',
  edge: 'edge-1',
  title: 'Größe "1" \\ \u2028',
  from: epochMs(1_000),
  until: epochMs(9_000),
  createdAt: epochMs(2_000),
  keep: true,
  ended: 'edge_lost',
  endedAt: epochMs(10_000),
  settledUntil: epochMs(5_000),
  lostBefore: epochMs(1_500),
  spool: 'spool-1',
  lostReason: 'spool_lost',
  multivariant: undefined,
};

describe('what a manifest says', () => {
  const rows = [
    rowOf(realRecord(1_000, 0)),
    rowOf(realRecord(1_000, 1, { gap: 'missing_at_source' })),
    // It was media once, and has its key still.
    rowOf(realRecord(1_000, 2, { gap: 'object_lost' }), 'segments/camera-0/main/2-t.ts'),
  ];

  test('is what was written, to the last field', () => {
    const read = decodeManifest(encodeManifest(recording, rows).toString());
    expect(read).toEqual({ recording, parts: [], segments: rows });
  });

  test('is also that of a recording that goes on and has nothing yet', () => {
    const open = {
      ...recording,
      until: undefined,
      ended: undefined,
      endedAt: undefined,
      lostBefore: undefined,
      spool: '',
    };
    expect(decodeManifest(encodeManifest(open, []).toString())).toEqual({
      recording: open,
      parts: [],
      segments: [],
    });
  });

  const whole = encodeManifest(recording, rows).toString();
  test.each([
    ['half of it', whole.slice(0, whole.length / 2)],
    ['of a later version', whole.replace('"version":1', '"version":3')],
    ['an id that no recording has', whole.replace('abcdefghijkmnpqr', '../../../etc/pas')],
    ['a key that leads elsewhere', whole.replace('segments/camera-0/main/0-t.ts', '../../other')],
    ['a part that lies elsewhere', whole.replace('"segments"', '"parts":["../other"],"segments"')],
    ['a number below nothing', whole.replace('"sequence":0', '"sequence":-1')],
    ['nothing', ''],
  ])('%s is none', (_, text) => {
    expect(() => decodeManifest(text)).toThrow();
  });
});

describe('manifests', () => {
  let ground: Ground;
  let store: HurtStore;
  let recordings: Recordings;
  let manifests: Manifests;
  let begun: CatalogRecording;
  beforeEach(async () => {
    ground = await openGround();
    store = new HurtStore(ground.clock);
    recordings = await ground.openRecordings();
    const recorded = new RecordedSegments(ground.catalog);
    manifests = new Manifests(recordings, recorded, store, ground.clock, ground.events);
    begun = await recordings.start('camera-0', 'edge-1', { from: epochMs(ground.start) }, '');
    manifests.changed(begun);
  });
  afterEach(() => ground[Symbol.asyncDispose]());

  const read = async () => (await store.get(manifestKey(begun.id)))?.toString();
  /** Sweeps and waits until what was due is written, or has failed. */
  const sweep = async () => {
    manifests.sweep();
    await manifests.settled;
  };

  test('are written at a change, and within a minute when segments come', async () => {
    await sweep();
    expect(decodeManifest((await read())!).segments).toEqual([]);
    await ground.catalog.addSegments([rowOf(realRecord(ground.start, 0))]);
    manifests.grew([begun]);
    ground.clock.pass(59_999);
    await sweep();
    expect(store.counts.puts).toBe(1);
    ground.clock.pass(1);
    await sweep();
    expect(store.counts.puts).toBe(2);
  });

  test('are tried again when the store is in trouble', async () => {
    store.failNext(1);
    await sweep();
    expect(await read()).toBeUndefined();
    ground.clock.pass(10_000);
    await sweep();
    expect(await read()).toBeDefined();
  });

  test('are all written at the end', async () => {
    manifests.grew([begun]);
    await manifests.close();
    expect(await read()).toBeDefined();
  });

  test('nothing that happens while a recording is deleted brings its manifest back', async () => {
    await sweep();
    await manifests.remove(begun.id, async () => {
      manifests.changed(begun);
      await sweep();
      await recordings.delete(begun.id);
    });
    ground.clock.pass(60_000);
    await sweep();
    expect(await read()).toBeUndefined();
  });

  test('a recording that could not be deleted gets its manifest back', async () => {
    await sweep();
    const failing = manifests.remove(begun.id, () => Promise.reject(new Error('db_busy')));
    await expect(failing).rejects.toThrow('db_busy');
    await sweep();
    expect(await read()).toBeDefined();
  });
});
