import { mkdir, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { Audience, Encoder, playlistText } from '../support/encoder.ts';
import { Rig } from '../support/rig.ts';

/** Three segments are in, and everybody watches. */
async function onAir(rig: Rig): Promise<Audience> {
  await rig.encoder.publish(3);
  const audience = await Audience.of(rig);
  await audience.sees('0/2');
  return audience;
}

const post = async (rig: Rig, text?: string) => {
  const response = await rig.encoder.post(text);
  expect(response.ok, await response.text()).toBe(true);
};

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test.each([
  ['cut to nothing', (path: string) => truncate(path, 0)],
  ['gone', (path: string) => unlink(path)],
  ['cut off in the middle of a packet', (path: string) => truncate(path, 1000)],
  ['no transport stream', (path: string) => writeFile(path, Buffer.alloc(1880, 'x'))],
])('a file that is %s before it is read is a gap, and what follows goes on', async (_, harm) => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  await rig.encoder.make();
  await harm(rig.encoder.path(3));
  await post(rig);
  await rig.encoder.publish(3);
  await audience.sees('0/6');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', 'gap', '0/4', '0/5', '0/6']);
});

test('eight files that are gone do not hold up the next one until its encoder has removed that, too', async () => {
  await using rig = await Rig.start({ encoder: { listSize: 12 } });
  await rig.encoder.publish(3);
  for (let made = 0; made < 9; made++) await rig.encoder.make();
  for (let gone = 3; gone < 11; gone++) await unlink(rig.encoder.path(gone));
  const posted = post(rig);
  await pause(2_500);
  await truncate(rig.encoder.path(11), 0);
  await posted;
  await rig.encoder.publish(1);
  const audience = await Audience.of(rig);
  await audience.sees('0/12');
  for (const watcher of audience.watchers) expect(watcher.story().slice(-2)).toEqual(['0/11', '0/12']);
});

test('a gap stays a gap though the file comes later', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  const bytes = await rig.encoder.make();
  await unlink(rig.encoder.path(3));
  await post(rig);
  await audience.sees('gap');
  await writeFile(rig.encoder.path(3), bytes);
  await rig.encoder.publish(2);
  await audience.sees('0/5');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', 'gap', '0/4', '0/5']);
});

test('an encoder none of whose files can be read at first is taken in from the first that can', async () => {
  await using rig = await Rig.start();
  await rig.encoder.make();
  await rig.encoder.make();
  await truncate(rig.encoder.path(0), 0);
  await unlink(rig.encoder.path(1));
  await post(rig);
  await rig.encoder.publish(3);
  const audience = await Audience.of(rig);
  await audience.sees('0/4');
  expect(audience.watchers.flatMap(({ prober }) => prober.violations)).toEqual([]);
  for (const watcher of audience.watchers) expect(watcher.story().slice(-3)).toEqual(['0/2', '0/3', '0/4']);
});

test.each([
  ['at a packet boundary', 188 * 20],
  ['inside a packet', 188 * 20 + 77],
  ['nowhere: it is empty', 0],
])('a file that is announced before it is whole is stored whole; so far it ends %s', async (_, so) => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  const bytes = await rig.encoder.make();
  await writeFile(rig.encoder.path(3), bytes.subarray(0, so));
  const posted = post(rig);
  await pause(200);
  await writeFile(rig.encoder.path(3), bytes.subarray(so), { flag: 'a' });
  await posted;
  await rig.encoder.publish(2);
  await audience.sees('0/5');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '0/5']);
});

test('a file that grows packet by packet while it is announced is stored whole', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  const bytes = await rig.encoder.make();
  await writeFile(rig.encoder.path(3), bytes.subarray(0, 188 * 3));
  const posted = post(rig);
  for (let done = 188 * 3; done < bytes.length; done += 188 * 4) {
    await writeFile(rig.encoder.path(3), bytes.subarray(done, done + 188 * 4), { flag: 'a' });
    await pause(20);
  }
  await posted;
  await rig.encoder.publish(1);
  await audience.sees('0/4');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4']);
});

test('a name that stands twice in a playlist: the bytes belong to the second, the first is a gap', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  rig.encoder.naming = () => 'same-second.ts';
  await rig.encoder.make();
  await rig.encoder.make();
  await post(rig);
  await audience.sees('0/4');
  rig.encoder.naming = (sequence) => `next-${sequence}.ts`;
  await rig.encoder.publish(2);
  await audience.sees('0/6');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', 'gap', '0/4', '0/5', '0/6']);
});

test('a name that is used again by the next segment gives each number its own bytes', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  rig.encoder.naming = () => 'same-second.ts';
  await rig.encoder.publish(1);
  await audience.sees('0/3');
  await rig.encoder.publish(1);
  await audience.sees('0/4');
  rig.encoder.naming = (sequence) => `next-${sequence}.ts`;
  await rig.encoder.publish(2);
  await audience.sees('0/6');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '0/5', '0/6']);
});

test('an encoder that uses its file names in turn (segment_wrap) gives each number its own bytes', async () => {
  await using rig = await Rig.start();
  rig.encoder.naming = (sequence) => `turn-${sequence % 6}.ts`;
  const audience = await onAir(rig);
  for (let made = 3; made < 15; made++) {
    await rig.encoder.publish(1);
    await audience.sees(`0/${made}`);
  }
  expect(audience.told()).toEqual(Array.from({ length: 15 }, (_, index) => `0/${index}`));
});

test.each([
  ['cut to nothing', (path: string) => truncate(path, 0)],
  ['deleted', (path: string) => rm(path)],
])('old files that the encoder has %s (delete_segments) change nothing', async (_, remove) => {
  await using rig = await Rig.start({ encoder: { listSize: 3 } });
  const audience = await onAir(rig);
  for (let made = 3; made < 10; made++) {
    await rig.encoder.make();
    await remove(rig.encoder.path(made - 3));
    await post(rig);
    await audience.sees(`0/${made}`);
  }
  // Even what is still listed: all but the newest.
  await rig.encoder.make();
  await remove(rig.encoder.path(8));
  await remove(rig.encoder.path(9));
  await post(rig);
  await audience.sees('0/10');
  expect(audience.told()).toEqual(Array.from({ length: 11 }, (_, index) => `0/${index}`));
});

test('a restart is seen where the encoder deletes its old files', async () => {
  await using rig = await Rig.start({ encoder: { listSize: 3 } });
  const audience = await onAir(rig);
  for (let made = 0; made < 3; made++) await rm(rig.encoder.path(made));
  rig.encoder.restart();
  for (let made = 0; made < 3; made++) await rig.encoder.make();
  await rm(rig.encoder.path(0));
  await post(rig);
  await rig.encoder.publish(1);
  await audience.sees('1/3');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '| 1/1', '1/2', '1/3']);
});

test('a segment of ten seconds raises the target duration of a stream of two, for good', async () => {
  await using rig = await Rig.start({ encoder: { duration: 2 } });
  const audience = await onAir(rig);
  const targets = () => audience.watchers.map(({ prober }) => prober.playlist?.targetDuration);
  expect(targets()).toEqual([2, 2]);
  await rig.encoder.make(10);
  await post(rig);
  await audience.sees('0/3');
  expect(targets()).toEqual([10, 10]);
  for (let made = 4; made < 13; made++) {
    await rig.encoder.publish(1);
    await audience.sees(`0/${made}`);
  }
  expect(targets()).toEqual([10, 10]);
  expect(audience.told()).toEqual(Array.from({ length: 13 }, (_, index) => `0/${index}`));
});

test('a segment of a length that rounds up raises the target duration, one that rounds down does not', async () => {
  await using rig = await Rig.start({ encoder: { duration: 2 } });
  const audience = await onAir(rig);
  await rig.encoder.make(2.4);
  await post(rig);
  await audience.sees('0/3');
  expect(audience.watchers.map(({ prober }) => prober.playlist?.targetDuration)).toEqual([2, 2]);
  await rig.encoder.make(2.5);
  await post(rig);
  await audience.sees('0/4');
  expect(audience.watchers.map(({ prober }) => prober.playlist?.targetDuration)).toEqual([3, 3]);
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4']);
});

test('a segment longer than 60 s is a gap, and what follows goes on', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  await rig.encoder.make(61);
  await post(rig);
  await rig.encoder.publish(2);
  await audience.sees('0/5');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', 'gap', '0/4', '0/5']);
});

test('a file too large for one segment is a gap, and is not read', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  await rig.encoder.make();
  await truncate(rig.encoder.path(3), 33 * 1024 * 1024);
  await post(rig);
  await rig.encoder.publish(2);
  await audience.sees('0/5');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', 'gap', '0/4', '0/5']);
});

test('files of 4 MB are stored whole', async () => {
  await using rig = await Rig.start({ lanOnly: true, encoder: { packets: 22_000 } });
  await rig.encoder.publish(3);
  const audience = new Audience([rig.lanPlaylistUrl], rig.encoder.labels);
  await audience.sees('0/2');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2']);
});

/** Five segments, dated as `program_date_time` does: between EXTINF and name, the zone without a colon. */
async function postDated(rig: Rig, firstAt: number): Promise<number[]> {
  const dates: number[] = [];
  const entries = [];
  for (let made = 0; made < 5; made++) {
    await rig.encoder.make();
    const at = Math.round(firstAt) + made * 1000;
    const dated = `#EXT-X-PROGRAM-DATE-TIME:${new Date(at).toISOString().replace('Z', '+0000')}`;
    entries.push({ name: rig.encoder.fileName(made), duration: 1, tags: [dated] });
    dates.push(at);
  }
  await post(rig, playlistText({ mediaSequence: 0, entries }));
  return dates;
}

const datesOf = (audience: Audience) =>
  audience.watchers.map(({ prober }) => Date.parse(prober.playlist?.segments.at(-1)?.dateTime ?? ''));

test("the encoder's date-time is used while it is within one second of the clock", async () => {
  await using rig = await Rig.start();
  const dates = await postDated(rig, Date.now() - 5000 - 300);
  const audience = await Audience.of(rig);
  await audience.sees('0/4');
  expect(datesOf(audience)).toEqual([dates.at(-1), dates.at(-1)]);
  expect(audience.watchers.flatMap(({ prober }) => prober.violations)).toEqual([]);
});

test.each([
  ['lags behind after a stall', -30_000],
  ['is of another day', -86_400_000],
  ['is ahead', 45_000],
])("the encoder's date-time is not used when it %s", async (_, off) => {
  await using rig = await Rig.start();
  await postDated(rig, Date.now() - 5000 + off);
  const audience = await Audience.of(rig);
  await audience.sees('0/4');
  for (const date of datesOf(audience)) expect(Math.abs(date + 1000 - Date.now())).toBeLessThan(2500);
  await rig.encoder.publish(2);
  await audience.sees('0/6');
  expect(audience.watchers.flatMap(({ prober }) => prober.violations)).toEqual([]);
});

test('an encoder that stalls goes on as if nothing were, and its date-times leap by the stall', async () => {
  await using rig = await Rig.start({ encoder: { duration: 0.5, listSize: 6 } });
  for (let made = 0; made < 6; made++) await rig.encoder.make();
  await post(rig);
  const audience = await Audience.of(rig);
  await audience.sees('0/5');
  const before = datesOf(audience);
  await pause(2500);
  await rig.encoder.publish(1);
  await audience.sees('0/6');
  for (const [index, date] of datesOf(audience).entries())
    expect(date - before[index]!).toBeGreaterThanOrEqual(2000);
  expect(audience.told()).toEqual(Array.from({ length: 7 }, (_, index) => `0/${index}`));
});

test('two encoders at once do not disturb each other, though their files are named alike', async () => {
  await using rig = await Rig.start();
  const folder = `${rig.encoder.folder}/two`;
  await mkdir(folder);
  const two = new Encoder({ edgeUrl: rig.edge.url, source: 'camera-1', folder, packets: 30 });
  await Promise.all([rig.encoder.publish(3), two.publish(3)]);
  const [first, second] = [await Audience.of(rig), await Audience.of(rig, two)];
  await Promise.all([first.sees('0/2'), second.sees('0/2')]);
  two.restart();
  await Promise.all([rig.encoder.publish(3), two.publish(3)]);
  await Promise.all([first.sees('0/5'), second.sees('1/2')]);
  expect(first.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '0/5']);
  expect(second.told()).toEqual(['0/0', '0/1', '0/2', '| 1/0', '1/1', '1/2']);
});

test('a single file whose name has a % in it, as ffmpeg 5.1 writes it, is told how to be named', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  await writeFile(rig.encoder.path(0).replace(/[^/]+$/, 'cam-%03d.ts'), await rig.encoder.make());
  const text = '#EXTM3U\n#EXT-X-VERSION:4\n#EXTINF:1,\n#EXT-X-BYTERANGE:188@0\ncam-%03d.ts\n';
  expect(await (await rig.encoder.post(text)).json()).toMatchObject({ refused: [{ code: 'bad_name' }] });
  const [shown] = (await (await fetch(`${rig.edge.url}/v1/sources`)).json()) as [
    { trouble: { hint: string } },
  ];
  expect(shown.trouble.hint).toContain('with -hls_flags single_file, which fills in no number, like cam.ts');
});
