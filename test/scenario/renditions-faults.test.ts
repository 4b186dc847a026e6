import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { discontinuitiesOf, tagOf, textOf } from '../support/hls-text.ts';
import { LADDER, LadderEncoder, type LadderName, LadderViewer, listsOf } from '../support/ladder.ts';
import { RecordingsClient } from '../support/recording.ts';
import { Rig } from '../support/rig.ts';

const liveOf = (rig: Rig) => (name: LadderName | 'index') => `${rig.control.url}/live/ladder/${name}.m3u8`;

/** Until the viewer was shown as far in every rendition as the edge has. */
const atTheEdge = (rig: Rig, viewer: LadderViewer) =>
  rig.until('the viewer is at the live edge', async () => {
    const lan = await listsOf((name) => `${rig.edge.url}/live/ladder/${name}.m3u8`);
    const newest = lan.map((text) => Math.max(...discontinuitiesOf(text).keys()));
    return LADDER.every((name, at) => viewer.newest(name) === newest[at]);
  });

test('a ladder whose uplink was cut for long goes on at the newest in every rendition, with one discontinuity', async () => {
  let line: FaultProxy | undefined;
  await using rig = await Rig.start({
    edgeDials: async (control) => {
      line = await startFaultProxy(control);
      return line.url;
    },
  });
  await using _ = line!;
  const encoder = new LadderEncoder(() => rig.edge.url, 0.5);
  await encoder.publish(6);
  await using viewer = new LadderViewer(liveOf(rig));
  await encoder.publishPaced(8);
  await atTheEdge(rig, viewer);
  const before = viewer.discontinuities('high');
  line!.cut();
  await encoder.publishPaced(24);
  await line!.heal();
  await encoder.publishPaced(12);
  await atTheEdge(rig, viewer);
  expect(viewer.objections).toEqual([]);
  for (const name of LADDER) {
    expect(viewer.discontinuities(name)).toEqual([...before, before.at(-1)! + 1]);
  }
  const targets = (await listsOf(liveOf(rig))).map((text) => tagOf(text, 'TARGETDURATION'));
  expect(new Set(targets).size).toBe(1);
});

test('a restarted control serves the same playlists of a ladder, word for word', async () => {
  await using rig = await Rig.start();
  const encoder = new LadderEncoder(() => rig.edge.url);
  await encoder.publish(6);
  await rig.until('control knows the ladder', async () =>
    (await textOf(liveOf(rig)('index'))).includes('high'),
  );
  await listsOf(liveOf(rig));
  await encoder.publish(4);
  const newest = (text: string) => Math.max(...discontinuitiesOf(text).keys());
  const before = await rig.until('all list the newest', async () => {
    const lists = await listsOf(liveOf(rig));
    const lan = await textOf(`${rig.edge.url}/live/ladder/high.m3u8`);
    return lists.every((text) => newest(text) === newest(lan)) && lists;
  });
  const index = await textOf(liveOf(rig)('index'));
  await rig.control.close();
  await rig.startControl();
  expect(await textOf(liveOf(rig)('index'))).toBe(index);
  expect(await listsOf(liveOf(rig))).toEqual(before);
  // Names that nobody has heard of open nothing while the edge has not come back, nor later.
  expect((await fetch(liveOf(rig)('made-up' as LadderName))).status).toBe(404);
});

test('an edge that is killed goes on with its ladder where it was', async () => {
  await using rig = await Rig.start();
  const encoder = new LadderEncoder(() => rig.edge.url);
  await encoder.publish(6);
  await using viewer = new LadderViewer(liveOf(rig));
  await rig.until('all are watched', () => LADDER.every((name) => viewer.newest(name) > 0));
  await encoder.publish(3);
  await atTheEdge(rig, viewer);
  // What a kill leaves behind is what lies there while it runs.
  const folder = join(rig.folder, 'edge');
  await cp(folder, `${folder}-killed`, { recursive: true, filter: (path) => !path.includes('/lock') });
  await rig.edge.close();
  await rm(folder, { recursive: true });
  await rename(`${folder}-killed`, folder);
  await rig.startEdge();
  await encoder.publish(3);
  await atTheEdge(rig, viewer);
  expect(viewer.objections).toEqual([]);
  for (const name of LADDER) {
    expect(viewer.discontinuities(name)).toHaveLength(1);
    expect(viewer.seen.get(name)!.size).toBeGreaterThanOrEqual(9);
  }
  expect(await textOf(liveOf(rig)('index'))).toContain('sound.m3u8');
});

test('a rendition that is not made for twenty seconds costs the others nothing, and comes back with their discontinuities', async () => {
  await using rig = await Rig.start();
  const encoder = new LadderEncoder(() => rig.edge.url, 0.5);
  const recordings = new RecordingsClient(() => rig.control.url);
  await encoder.publish(6);
  await rig.until('control knows the ladder', async () => (await rig.source('ladder'))?.['state'] === 'idle');
  await using viewer = new LadderViewer(liveOf(rig));
  await encoder.publishPaced(6);
  const { id } = await recordings.start({ source: 'ladder', from: '-2s' });
  await encoder.publishPaced(40, ['high', 'sound']);
  await encoder.publishPaced(10);
  await atTheEdge(rig, viewer);
  expect(viewer.objections).toEqual([]);
  for (const name of ['high', 'sound'] as const) {
    const numbers = [...viewer.seen.get(name)!.keys()];
    expect(numbers.length).toBe(viewer.newest(name) - Math.min(...numbers) + 1);
  }
  await recordings.stop(id);
  await encoder.publishPaced(4);
  const ended = await recordings.ended(id, 30_000);
  expect(ended).toMatchObject({ state: 'complete', gaps: [] });
  const replayed = LADDER.map(async (name) => {
    const text = await textOf(recordings.playlistUrl(id).replace('index', name));
    return [...discontinuitiesOf(text).keys()].length;
  });
  const [high, low, sound] = await Promise.all(replayed);
  expect(high).toBe(sound);
  expect(high! - low!).toBeGreaterThanOrEqual(36);
  expect(low).toBeGreaterThanOrEqual(10);
});
