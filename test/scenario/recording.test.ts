import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { RecordingsClient, sha256, whilePublishing } from '../support/recording.ts';
import { Rig } from '../support/rig.ts';

const segments = { encoder: { duration: 0.5 } };
const clientOf = (rig: Rig) => new RecordingsClient(() => rig.control.url);

/** Where the bytes of a snippet stand in all that the encoder made; they must be there in a row. */
function placeOf(rig: Rig, replayed: readonly Buffer[]): { first: number; last: number } {
  const made = rig.encoder.made.map(sha256);
  const first = made.indexOf(sha256(replayed[0]!));
  expect(replayed.map(sha256)).toEqual(made.slice(first, first + replayed.length));
  return { first, last: first + replayed.length - 1 };
}

test('a source that nobody watches is recorded, and its replay has the bytes that the encoder made', async () => {
  await using rig = await Rig.start(segments);
  const recordings = clientOf(rig);
  const recording = await whilePublishing(rig, async () => {
    await rig.until('the source appears', () => rig.source());
    const started = await recordings.start({ source: 'camera-0', title: 'a snippet' });
    expect(started).toMatchObject({ state: 'recording', title: 'a snippet', gaps: [], segments: 0 });
    await sleep(3_000);
    const stopped = await recordings.stop(started.id);
    expect(stopped.until).not.toBeNull();
    return recordings.ended(started.id);
  });
  expect(recording).toMatchObject({ state: 'complete', gaps: [] });

  const { text, segments: replayed } = await recordings.replay(recording.id);
  const { first, last } = placeOf(rig, replayed);
  expect(replayed.length).toBeGreaterThanOrEqual(6);
  expect(replayed.length).toBeLessThanOrEqual(9);
  expect(text).toContain('#EXT-X-PLAYLIST-TYPE:EVENT');
  expect(text.trimEnd().endsWith('#EXT-X-ENDLIST')).toBe(true);
  expect(recording.segments).toBe(replayed.length);
  const bytes = Buffer.concat(rig.encoder.made.slice(first, last + 1));
  expect(sha256(await recordings.download(recording.id))).toBe(sha256(bytes));
  expect(recording.bytes).toBe(bytes.length);
  expect(await rig.source()).toMatchObject({ state: 'idle', forwardedBytes: bytes.length });
});

test('a snippet of what already happened is taken from the spool', async () => {
  await using rig = await Rig.start(segments);
  const recordings = clientOf(rig);
  const recording = await whilePublishing(rig, async () => {
    await rig.until('the source appears', () => rig.source());
    await sleep(4_000);
    const { id } = await recordings.start({ source: 'camera-0', from: '-3s', until: '-1s' });
    return recordings.ended(id);
  });
  expect(recording).toMatchObject({ state: 'complete', gaps: [] });
  const { text, segments: replayed } = await recordings.replay(recording.id);
  placeOf(rig, replayed);
  expect(replayed.length).toBeGreaterThanOrEqual(4);
  expect(replayed.length).toBeLessThanOrEqual(6);
  expect(text).toMatch(/#EXT-X-START:TIME-OFFSET=0\.\d{3},PRECISE=YES/);
});

test('while a viewer watches, a recorded segment crosses the uplink once', async () => {
  await using rig = await Rig.start(segments);
  const recordings = clientOf(rig);
  const recording = await whilePublishing(rig, async () => {
    await rig.until('the source appears', () => rig.source());
    const watching = setInterval(() => void fetch(rig.playlistUrl).catch(() => undefined), 400);
    try {
      await rig.until('it is live', async () => (await rig.source())?.['state'] === 'live');
      const { id } = await recordings.start({ source: 'camera-0' });
      await sleep(3_000);
      await recordings.stop(id);
      return await recordings.ended(id);
    } finally {
      clearInterval(watching);
    }
  });
  expect(recording).toMatchObject({ state: 'complete', gaps: [] });
  const metrics = await (await fetch(`${rig.edge.url}/metrics`)).text();
  expect(metrics).not.toMatch(/uplink_repeated_bytes_total\{[^}]*\} [1-9]/);
  const made = Buffer.concat(rig.encoder.made).length;
  expect((await rig.source())!['forwardedBytes']).toBeLessThanOrEqual(made);
  const stored = await (await fetch(`${rig.control.url}/metrics`)).text();
  expect(stored).toMatch(/store_segments_total\{by="live"\} [1-9]/);
  expect(stored).not.toMatch(/store_segments_total\{by="ticket"\} [1-9]/);
});

test('recordings that overlap share their segments, and deleting one leaves the other whole', async () => {
  await using rig = await Rig.start(segments);
  const recordings = clientOf(rig);
  const [a, b] = await whilePublishing(rig, async () => {
    await rig.until('the source appears', () => rig.source());
    await sleep(1_500);
    const first = await recordings.start({ source: 'camera-0', from: '-1s', until: '+2s' });
    const second = await recordings.start({ source: 'camera-0', until: '+3s' });
    return Promise.all([recordings.ended(first.id), recordings.ended(second.id)]);
  });
  const stored = await (await fetch(`${rig.control.url}/metrics`)).text();
  const count = Number(/store_segments_total\{by="ticket"\} (\d+)/.exec(stored)?.[1]);
  expect(count).toBeLessThan(a.segments + b.segments);
  expect((await recordings.ask('DELETE', `/${a.id}`)).status).toBe(204);
  expect((await recordings.ask('GET', `/${a.id}`)).status).toBe(404);
  const { segments: replayed } = await recordings.replay(b.id);
  placeOf(rig, replayed);
  expect(replayed).toHaveLength(b.segments);
});

test('from beyond the spool: the gap is stated at once and stays', async () => {
  await using rig = await Rig.start({ ...segments, edge: { 'spool-seconds': '3' } });
  const recordings = clientOf(rig);
  const recording = await whilePublishing(rig, async () => {
    await rig.until('the source appears', () => rig.source());
    await sleep(5_500);
    const started = await recordings.start({ source: 'camera-0', from: '-5s', until: '+1s' });
    expect(started.gaps).toMatchObject([{ reason: 'beyond_spool' }]);
    expect(started.state).toBe('recording');
    return recordings.ended(started.id);
  });
  expect(recording.state).toBe('incomplete');
  expect(recording.gaps).toMatchObject([{ from: recording.from, reason: 'beyond_spool' }]);
  placeOf(rig, (await recordings.replay(recording.id)).segments);
});

test('an encoder that makes nothing leaves the recording complete, and the silence is listed', async () => {
  await using rig = await Rig.start(segments);
  const recordings = clientOf(rig);
  await whilePublishing(rig, () => sleep(1_500));
  await rig.until('the source appears', () => rig.source());
  const { id } = await recordings.start({ source: 'camera-0', from: '-10s', until: '+1s' });
  const recording = await recordings.ended(id, 25_000);
  expect(recording.state).toBe('complete');
  expect(recording.gaps.map(({ reason }) => reason)).toEqual(['source_silent', 'source_silent']);
});

test('the list of a recording that goes on only grows, and begins at its beginning', async () => {
  await using rig = await Rig.start(segments);
  const recordings = clientOf(rig);
  await whilePublishing(rig, async () => {
    await rig.until('the source appears', () => rig.source());
    const { id } = await recordings.start({ source: 'camera-0' });
    await rig.until('something is stored', async () => (await recordings.get(id)).segments > 1);
    let before = (await recordings.replay(id)).text;
    expect(before).not.toContain('ENDLIST');
    for (let turn = 0; turn < 6; turn++) {
      await sleep(400);
      const { text } = await recordings.replay(id);
      expect(text.startsWith(before)).toBe(true);
      before = text;
    }
    await recordings.stop(id);
    await recordings.ended(id);
    expect((await recordings.replay(id)).text.startsWith(before)).toBe(true);
  });
});
