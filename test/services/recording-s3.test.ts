import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { startMemcached } from '../support/memcached.ts';
import { type Radosgw, startRadosgw } from '../support/radosgw.ts';
import { RecordingsClient, segmentsMade, sha256, urisOf, whilePublishing } from '../support/recording.ts';
import { Rig } from '../support/rig.ts';

let s3: Radosgw;
let line: FaultProxy;
const before: Record<string, string | undefined> = {};

beforeAll(async () => {
  s3 = await startRadosgw();
  line = await startFaultProxy(s3.endpoint);
  for (const [name, value] of Object.entries(s3.environment)) {
    before[name] = process.env[name];
    process.env[name] = value;
  }
}, 90_000);
afterAll(async () => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  await line?.[Symbol.asyncDispose]();
  await s3?.close();
});

const storeUrl = (prefix: string, more = '') =>
  `s3://${s3.bucket}/${prefix}?endpoint=${line.url}&region=us-east-1${more}`;

/** Records some segments while nobody watches. */
async function record(rig: Rig): Promise<{ recordings: RecordingsClient; id: string }> {
  const recordings = new RecordingsClient(() => rig.control.url);
  const id = await whilePublishing(rig, async () => {
    await rig.until('the source appears', () => rig.source());
    const started = await recordings.start({ source: 'camera-0' });
    await segmentsMade(rig, 6);
    await recordings.stop(started.id);
    await recordings.ended(started.id, 40_000);
    return started.id;
  });
  return { recordings, id };
}

async function expectWhole(rig: Rig, recordings: RecordingsClient, id: string): Promise<void> {
  expect(await recordings.get(id)).toMatchObject({ state: 'complete', gaps: [] });
  const { segments } = await recordings.replay(id);
  const made = rig.encoder.made.map(sha256);
  const first = made.indexOf(sha256(segments[0]!));
  expect(segments.length).toBeGreaterThanOrEqual(5);
  expect(segments.map(sha256)).toEqual(made.slice(first, first + segments.length));
}

const storedBy = async (rig: Rig, how: string): Promise<number> => {
  const metrics = await (await fetch(`${rig.control.url}/metrics`)).text();
  return Number(new RegExp(`store_segments_total\\{by="${how}"\\} (\\d+)`).exec(metrics)?.[1] ?? 0);
};

test('a recording lies in a real S3, and plays on from memcached when the S3 is gone', async () => {
  await using memcached = await startMemcached();
  const control = { 'store-url': storeUrl('plain'), 'cache-url': memcached.url };
  await using rig = await Rig.start({ control, encoder: { duration: 0.5 } });
  const { recordings, id } = await record(rig);
  expect(await storedBy(rig, 'ticket')).toBeGreaterThan(4);
  await expectWhole(rig, recordings, id);

  const { text } = await recordings.replay(id);
  // Another node has nothing in its own memory.
  await rig.control.close();
  await rig.startControl();
  await line.reset();
  try {
    for (const uri of urisOf(text)) {
      expect((await fetch(new URL(uri, recordings.playlistUrl(id)))).status, uri).toBe(200);
    }
  } finally {
    await line.heal();
  }
});

test('edges put segments into the S3 themselves, with URLs that are good for one of them, and hold no keys', async () => {
  const control = { 'store-url': storeUrl('direct', '&edges=direct') };
  await using rig = await Rig.start({ control, encoder: { duration: 0.5 } });
  const { recordings, id } = await record(rig);
  expect(await storedBy(rig, 'direct')).toBeGreaterThan(4);
  expect(await storedBy(rig, 'ticket')).toBe(0);
  await expectWhole(rig, recordings, id);
  expect(JSON.stringify(rig.logs)).not.toContain(s3.secretKey);
  expect((await rig.source())!['forwardedBytes']).toBe((await recordings.get(id)).bytes);
});

test('while the S3 is away a recording drains, and is whole when the S3 is back', async () => {
  const control = { 'store-url': storeUrl('away') };
  await using rig = await Rig.start({ control, encoder: { duration: 0.5 } });
  const recordings = new RecordingsClient(() => rig.control.url);
  await whilePublishing(rig, async () => {
    await rig.until('the source appears', () => rig.source());
    const { id } = await recordings.start({ source: 'camera-0' });
    await rig.until('something is stored', async () => (await recordings.get(id)).segments > 2);
    await line.reset();
    await segmentsMade(rig, 4);
    expect((await recordings.stop(id)).state).toBe('draining');
    await segmentsMade(rig, 4);
    expect((await recordings.get(id)).state).toBe('draining');
    const { text } = await recordings.replay(id).catch(() => ({ text: '' }));
    expect(text).toBe('');
    await line.heal();
    expect(await recordings.ended(id, 60_000)).toMatchObject({ state: 'complete', gaps: [] });
    await expectWhole(rig, recordings, id);
  });
});
