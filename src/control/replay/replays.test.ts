import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SegmentRecord } from '../../media/segment-record.ts';
import { epochMs } from '../../media/units.ts';
import { type Ground, openGround, realRecord, rowOf } from '../recordings/ground-for-test.ts';
import { RecordedSegments } from '../recordings/recorded-segments.ts';
import type { Recordings } from '../recordings/recordings.ts';
import type { ReplaySegments } from './replay-segments.ts';
import { Replays } from './replays.ts';

let ground: Ground;
let recordings: Recordings;
let replays: Replays;
beforeEach(async () => {
  ground = await openGround();
  recordings = await ground.openRecordings();
  const segments = { readAhead: () => undefined } as unknown as ReplaySegments;
  replays = new Replays(recordings, new RecordedSegments(ground.catalog), segments);
});
afterEach(() => ground[Symbol.asyncDispose]());

const ladder = (sound = '') =>
  `#EXTM3U\n${sound && `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="tone",URI="sound.m3u8"\n`}` +
  ['low', 'high']
    .map((name, at) => `#EXT-X-STREAM-INF:BANDWIDTH=${at + 1}000${sound}\n${name}.m3u8\n`)
    .join('');

/** A recording of twenty seconds, all settled, that has ten segments of each of these renditions. */
async function record(multivariant: string | undefined, ...stored: string[]): Promise<string> {
  return recordOf(multivariant, stored, {});
}

async function recordOf(
  multivariant: string | undefined,
  stored: readonly string[],
  change: Partial<SegmentRecord>,
): Promise<string> {
  const span = { from: epochMs(ground.start), until: epochMs(ground.start + 20_000) };
  const { id } = await recordings.start('camera-0', 'edge-1', span, '', multivariant);
  const rows = stored.flatMap((rendition) =>
    Array.from({ length: 10 }, (_, sequence) => ({
      ...rowOf(realRecord(ground.start, sequence, change), `segments/${rendition}/${sequence}`),
      rendition,
    })),
  );
  await ground.catalog.addSegments(rows);
  await recordings.reported(
    'edge-1',
    'spool-1',
    { name: 'camera-0', settledUntil: span.until, reach: 0 } as never,
    () => true,
  );
  return id;
}

const textOf = async (id: string) => (await replays.multivariant(id))?.text.toString();

test('a recording of one rendition has no playlist that names any, whatever that one is called', async () => {
  const plain = await record(undefined, 'main');
  expect(await textOf(plain)).toBeUndefined();
  expect([await replays.main(plain), await replays.best(plain)]).toEqual(['main', 'main']);
  expect((await replays.playlist(plain, 'main')).text.toString()).toContain('#EXT-X-ENDLIST');
});

test('a rendition that nothing names is the recording\u2019s own', async () => {
  const posted = await record(undefined, 'low');
  expect([await replays.main(posted), await replays.best(posted)]).toEqual(['low', 'low']);
});

test('what a recording names is what it has', async () => {
  expect(await textOf(await record(ladder(), 'low', 'high'))).toBe(ladder());
});

test('a rendition of which nothing was stored is not named, nor is its group', async () => {
  const id = await record(ladder(',AUDIO="a"'), 'high');
  expect(await textOf(id)).toBe('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2000\nhigh.m3u8\n');
  expect(await replays.best(id)).toBe('high');
});

test('one file is made of the best variant that was stored, and not where its sound lies apart', async () => {
  expect(await replays.best(await record(ladder(), 'low', 'high'))).toBe('high');
  const apart = await record(ladder(',AUDIO="a"'), 'low', 'high', 'sound');
  await expect(replays.best(apart)).rejects.toMatchObject({ code: 'download_impossible' });
  expect(await replays.content(apart, 'low')).toHaveLength(10);
  await expect(replays.best(apart)).rejects.toMatchObject({
    hint: expect.stringMatching(/--rendition NAME\): high, sound\.$/),
  });
});

test('an encrypted ladder is said to be encrypted at once, and which of its renditions are not', async () => {
  const keys = ['#EXT-X-KEY:METHOD=AES-128,URI="{0}"'];
  const locked = await recordOf(ladder(',AUDIO="a"'), ['low', 'high', 'sound'], { keys });
  await expect(replays.best(locked)).rejects.toMatchObject({
    code: 'download_impossible',
    message: expect.stringContaining('encrypted'),
    hint: 'Play its index.m3u8.',
  });
});

test('one that has ended with nothing says what is missing of it, not that nothing was made', async () => {
  const silent = await record(undefined);
  await expect(replays.playlist(silent, 'main')).rejects.toMatchObject({
    code: 'recording_empty',
    message: expect.stringContaining('none was made'),
    hint: expect.not.stringContaining('Ask again'),
  });
  const span = { from: epochMs(ground.start), until: epochMs(ground.start + 20_000) };
  const { id } = await recordings.start('camera-2', 'edge-1', span, '', undefined);
  const reach = ground.start + 60_000;
  const report = { name: 'camera-2', settledUntil: span.until, reach };
  await recordings.reported('edge-1', 'spool-1', report as never, () => true);
  for (const asked of [replays.playlist(id, 'main'), replays.content(id, 'main')]) {
    await expect(asked).rejects.toMatchObject({
      code: 'recording_empty',
      message: 'Nothing of the recording is stored: beyond_spool for 20 s.',
      hint: expect.stringContaining('docs/errors.md'),
    });
  }
});

test('a recording of a ladder from before it was one is played as what it has', async () => {
  const id = await record(ladder(), 'main');
  expect(await textOf(id)).toBeUndefined();
  expect([await replays.main(id), await replays.best(id)]).toEqual(['main', 'main']);
});

test('what it does not have is not found, and what it may have soon is not there yet', async () => {
  const id = await record(ladder(), 'low', 'high');
  for (const name of ['main', 'middle']) {
    await expect(replays.playlist(id, name)).rejects.toMatchObject({ code: 'not_found' });
    await expect(replays.content(id, name)).rejects.toMatchObject({ code: 'not_found' });
  }
  await expect(replays.multivariant('aaaaaaaaaaaaaaaa')).rejects.toMatchObject({ code: 'recording_unknown' });
  const empty = (await recordings.start('camera-9', 'edge-1', { from: epochMs(ground.start) }, '', ladder()))
    .id;
  expect(await textOf(empty)).toBeUndefined();
  await expect(replays.playlist(empty, 'low')).rejects.toMatchObject({ code: 'recording_empty' });
});
