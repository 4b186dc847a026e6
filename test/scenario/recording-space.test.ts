import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CatalogRecording } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/open-catalog.ts';
import { epochMs } from '../../src/media/units.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import {
  objectsIn,
  type RecordingJson,
  RecordingsClient,
  segmentsMade,
  whilePublishing,
} from '../support/recording.ts';
import { Rig } from '../support/rig.ts';

const DAY_MS = 86_400_000;
let store: string;
beforeEach(() => {
  store = mkdtempSync(join(tmpdir(), 'livemix-store-'));
});
afterEach(() => rm(store, { recursive: true, force: true }));

const clientOf = (rig: Rig) => new RecordingsClient(() => rig.control.url);

/** Records some segments; several that run at the same time have them in common. Resolves when they have ended. */
async function record(rig: Rig, titles: readonly string[]): Promise<readonly RecordingJson[]> {
  const recordings = clientOf(rig);
  await rig.until('the source appears', () => rig.source());
  const begun: RecordingJson[] = [];
  for (const title of titles) begun.push(await recordings.start({ source: 'camera-0', title }));
  await segmentsMade(rig, 4);
  for (const { id } of begun) await recordings.stop(id);
  await segmentsMade(rig, 2);
  return Promise.all(begun.map(({ id }) => recordings.ended(id)));
}

/** What days do to recordings, while control is not running. */
async function age(rig: Rig, of: (recording: CatalogRecording) => Partial<CatalogRecording>): Promise<void> {
  await rig.control.close();
  const file = join(rig.folder, 'control', 'catalog.db');
  const catalog = await openCatalog(`sqlite:${file}`, { clock: new SystemClock() });
  for (const recording of await catalog.recordings()) {
    await catalog.saveRecording({ ...recording, ...of(recording) });
  }
  await catalog.close();
  await rig.startControl();
}

/** That all of it can be replayed and fetched. */
async function expectPlayable(rig: Rig, { id, segments, bytes }: RecordingJson): Promise<void> {
  const recordings = clientOf(rig);
  expect((await recordings.replay(id)).segments).toHaveLength(segments);
  expect(await recordings.download(id)).toHaveLength(bytes);
}

describe('what takes room goes', () => {
  test('when it is too old; not what is kept for ever, is younger, or is shared with those', async () => {
    const control = { 'store-url': `file://${store}`, 'retention-days': '30' };
    await using rig = await Rig.start({ control, encoder: { duration: 0.5 } });
    const recordings = clientOf(rig);
    const [old, forEver, young] = await whilePublishing(rig, async () => {
      const [old, forEver] = await record(rig, ['old', 'for ever']);
      const [alone] = await record(rig, ['old, too']);
      const [young] = await record(rig, ['young']);
      expect(alone!.segments).toBeGreaterThan(0);
      return [old!, forEver!, young!];
    });
    expect((await recordings.ask('PATCH', `/${forEver.id}`, { keep: true })).status).toBe(200);
    await age(rig, ({ id, endedAt }) => ({
      endedAt: epochMs(endedAt! - (id === young.id ? 29 : 31) * DAY_MS),
    }));
    const left = async () => (await (await recordings.ask('GET', '')).json()) as RecordingJson[];
    await rig.until('the old ones are gone', async () => (await left()).length === 2);
    expect((await left()).map(({ title }) => title)).toEqual(['young', 'for ever']);
    expect((await recordings.ask('GET', `/${old.id}`)).status).toBe(404);
    const kept = young.segments + forEver.segments;
    await rig.until('their objects are gone', () => objectsIn(store).length <= kept);
    await expectPlayable(rig, forEver);
    await expectPlayable(rig, young);
    expect(objectsIn(store, 'recordings')).toHaveLength(2);
  });

  test('when all together are too much: the oldest first, and no more than must', {
    timeout: 90_000,
  }, async () => {
    const control = { 'store-url': `file://${store}` };
    await using rig = await Rig.start({ control, encoder: { duration: 0.5 } });
    const recordings = clientOf(rig);
    const [first, second] = await whilePublishing(rig, async () => [
      (await record(rig, ['first']))[0]!,
      (await record(rig, ['second']))[0]!,
    ]);
    await rig.control.close();
    await rig.startControl({ 'store-bytes': String(first.bytes + second.bytes - 1) });
    const isGone = async () => (await recordings.ask('GET', `/${first.id}`)).status === 404;
    await rig.until('the first is gone', isGone);
    await rig.until('its objects are gone', () => objectsIn(store).length === second.segments);
    await expectPlayable(rig, second);
  });
});

test('an edge that is lost, and its source deleted, leave what was recorded playable; what is owed comes with the edge', async () => {
  const control = { 'store-url': `file://${store}` };
  await using rig = await Rig.start({ control, encoder: { duration: 0.5 } });
  const recordings = clientOf(rig);
  const [ended] = await whilePublishing(rig, () => record(rig, ['ended']));
  const { id } = await whilePublishing(rig, async () => {
    const begun = await recordings.start({ source: 'camera-0' });
    await rig.until('some is shown', async () => {
      const shown = await fetch(recordings.playlistUrl(begun.id));
      return shown.ok && (await shown.text()).includes('.ts');
    });
    return begun;
  });
  await rig.edge.close();
  // Segments are stamped up to a second ahead of the clock: what ends before them is whole already.
  await rig.until('its end is owed', async () => {
    const { settledUntil } = await recordings.get(id);
    return Date.parse(settledUntil) < Date.now();
  });
  const answer = await fetch(`${rig.control.url}/v1/sources/camera-0`, { method: 'DELETE' });
  expect(answer.status).toBe(204);
  await rig.control.close();
  await rig.startControl();
  expect(await recordings.get(id)).toMatchObject({ state: 'draining' });
  const shown = await recordings.replay(id);
  expect(shown.segments.length).toBeGreaterThan(0);
  expect(shown.text).not.toContain('ENDLIST');
  await expectPlayable(rig, ended!);
  await rig.startEdge();
  const whole = await recordings.ended(id);
  expect(whole.state).toBe('complete');
  expect(whole.segments).toBeGreaterThanOrEqual(shown.segments.length);
  await expectPlayable(rig, whole);
});
