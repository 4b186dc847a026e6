import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Audience } from '../support/encoder.ts';
import { Rig } from '../support/rig.ts';

const post = async (rig: Rig, text?: string) => {
  const response = await rig.encoder.post(text);
  expect(response.ok, await response.text()).toBe(true);
};

/** On the LAN alone; three segments are in. */
async function onAir(rig: Rig): Promise<Audience> {
  await rig.encoder.publish(3);
  const audience = new Audience([rig.lanPlaylistUrl], rig.encoder.labels);
  await audience.sees('0/2');
  return audience;
}

async function restartEdge(rig: Rig, meanwhile: () => void | Promise<void> = () => undefined) {
  await rig.edge.close();
  await meanwhile();
  await rig.startEdge();
}

test('an edge that is restarted takes in only what is new, and its viewers see no seam', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const audience = await onAir(rig);
  await restartEdge(rig);
  await audience.poll();
  await post(rig);
  await rig.encoder.publish(2);
  await audience.sees('0/4');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4']);
});

test('what the encoder made while the edge was away is taken in from its list', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const audience = await onAir(rig);
  await restartEdge(rig, async () => {
    for (let made = 0; made < 4; made++) await rig.encoder.make();
  });
  await rig.encoder.publish(1);
  await audience.sees('0/7');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '0/5', '0/6', '0/7']);
});

test('what the encoder made meanwhile and lists no more is a gap, where it is little', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const audience = await onAir(rig);
  await restartEdge(rig, async () => {
    for (let made = 0; made < 5; made++) await rig.encoder.make();
  });
  await rig.encoder.publish(1);
  await audience.sees('0/8');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', 'gap', '0/4', '0/5', '0/6', '0/7', '0/8']);
});

test('where nothing overlaps, an edge that is restarted opens a run', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const audience = await onAir(rig);
  await restartEdge(rig, async () => {
    rig.encoder.skip(100);
    for (let made = 0; made < 3; made++) await rig.encoder.make();
  });
  await post(rig);
  await audience.sees('0/105');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '| 0/103', '0/104', '0/105']);
});

test('an encoder that was restarted while the edge was away opens a run', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const audience = await onAir(rig);
  await restartEdge(rig, async () => {
    rig.encoder.restart();
    for (let made = 0; made < 3; made++) await rig.encoder.make();
  });
  await post(rig);
  await rig.encoder.publish(1);
  await audience.sees('1/3');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '| 1/0', '1/1', '1/2', '1/3']);
});

test('an edge that is restarted three times numbers on without a seam', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const audience = await onAir(rig);
  for (let made = 3; made < 6; made++) {
    await restartEdge(rig);
    await rig.encoder.publish(1);
    await audience.sees(`0/${made}`);
  }
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '0/5']);
});

test('viewers on the web see no seam either when the edge is restarted', async () => {
  await using rig = await Rig.start();
  await rig.encoder.publish(3);
  const audience = await Audience.of(rig);
  await audience.sees('0/2');
  await restartEdge(rig);
  await rig.encoder.publish(2);
  await audience.sees('0/4');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4']);
});

test('an edge whose spool was wiped begins above all that was seen before', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const audience = await onAir(rig);
  const before = audience.watchers[0]!.prober.playlist!;
  await restartEdge(rig, () => rmSync(join(rig.folder, 'edge'), { recursive: true, force: true }));
  // Without control the floor is the epoch second: one second must pass, as it does when a disk is changed.
  await rig.until('the clock is past the numbers', () => Date.now() / 1000 > before.mediaSequence + 4);
  rig.encoder.restart();
  await rig.encoder.publish(3);
  const after = new Audience([rig.lanPlaylistUrl], rig.encoder.labels);
  await after.sees('1/2');
  expect(after.watchers[0]!.prober.playlist!.mediaSequence).toBeGreaterThan(before.mediaSequence + 2);
});

/** Every file of media in the spool. */
function mediaFiles(rig: Rig): string[] {
  const all = readdirSync(join(rig.folder, 'edge'), { recursive: true }) as string[];
  return all.filter((name) => name.endsWith('.ts')).map((name) => join(rig.folder, 'edge', name));
}

test('the spool keeps no more than spool-bytes of all sources, and goes on', async () => {
  const most = 64 * 1024;
  await using rig = await Rig.start({ lanOnly: true, edge: { 'spool-bytes': '64KiB' } });
  const audience = await onAir(rig);
  for (let made = 3; made < 15; made++) {
    await rig.encoder.publish(1);
    await audience.sees(`0/${made}`);
  }
  const bytes = () => mediaFiles(rig).reduce((sum, file) => sum + statSync(file).size, 0);
  // 43 packets a segment, and a little for its record.
  await rig.until('the oldest are gone', () => bytes() <= most + 10 * 1024);
  expect(mediaFiles(rig).length).toBeGreaterThanOrEqual(6);
  expect(audience.told()).toEqual(Array.from({ length: 15 }, (_, index) => `0/${index}`));
  await restartEdge(rig);
  await rig.encoder.publish(1);
  await audience.sees('0/15');
  expect(audience.told()).toEqual(Array.from({ length: 16 }, (_, index) => `0/${index}`));
});

test('the spool keeps no more than spool-seconds of a rendition', async () => {
  await using rig = await Rig.start({ lanOnly: true, edge: { 'spool-seconds': '10' } });
  const audience = await onAir(rig);
  for (let made = 3; made < 18; made++) {
    await rig.encoder.publish(1);
    await audience.sees(`0/${made}`);
  }
  await rig.until('the oldest are gone', () => mediaFiles(rig).length <= 11);
  expect(mediaFiles(rig).length).toBeGreaterThanOrEqual(10);
  expect(audience.told()).toEqual(Array.from({ length: 18 }, (_, index) => `0/${index}`));
});

test('without control the LAN is served, and the edge says that it is alone', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const audience = await onAir(rig);
  await rig.encoder.publish(6);
  await audience.sees('0/8');
  expect((await fetch(`${rig.edge.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${rig.edge.url}/readyz`)).status).toBe(200);
  expect(rig.logs.some((line) => /alone|LIVEMIX_CONTROL_URL/i.test(JSON.stringify(line)))).toBe(true);
});

test('the LAN is served on when control goes away', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  await rig.control.close();
  await rig.encoder.publish(2);
  await audience.sees('0/4');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4']);
  await rig.startControl();
});
