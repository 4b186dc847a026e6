import { expect, test } from 'vitest';
import { Audience, playlistText } from '../support/encoder.ts';
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

test('an encoder that is restarted opens a run: its numbers are 0 again, its names the same, its bytes others', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  rig.encoder.restart();
  await rig.encoder.publish(4);
  await audience.sees('1/3');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '| 1/0', '1/1', '1/2', '1/3']);
});

test('an encoder that is restarted three times in a row opens three runs', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  for (const run of [1, 2, 3]) {
    rig.encoder.restart();
    await rig.encoder.publish(1);
    await audience.sees(`| ${run}/0`);
  }
  await rig.encoder.publish(1);
  await audience.sees('3/1');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '| 1/0', '| 2/0', '| 3/0', '3/1']);
});

test('a restart is seen though its first posts were lost and its playlist is letter for letter the one before', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  const before = rig.encoder.playlist();
  rig.encoder.restart();
  for (let made = 0; made < 3; made++) await rig.encoder.make();
  expect(rig.encoder.playlist()).toBe(before);
  await post(rig);
  await rig.encoder.publish(1);
  await audience.sees('1/3');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '| 1/0', '1/1', '1/2', '1/3']);
});

test('a restart is seen though its playlist seems to go on where the one before ended', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  rig.encoder.restart();
  for (let made = 0; made < 5; made++) await rig.encoder.make();
  await post(rig);
  await audience.sees('1/4');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '| 1/0', '1/1', '1/2', '1/3', '1/4']);
});

test('a restart with names that are never used again (strftime) opens a run', async () => {
  await using rig = await Rig.start();
  rig.encoder.naming = (sequence, run) => `cam-20261123T0736${run}${sequence}.ts`;
  const audience = await onAir(rig);
  rig.encoder.restart();
  await rig.encoder.publish(2);
  await audience.sees('1/1');
  rig.encoder.restart();
  for (let made = 0; made < 2; made++) await rig.encoder.make();
  await post(rig);
  await rig.encoder.publish(1);
  await audience.sees('2/2');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '| 1/0', '1/1', '| 2/0', '2/1', '2/2']);
});

test('an encoder that is restarted and counts on (append_list) opens one run', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  await rig.encoder.append();
  await post(rig);
  await rig.encoder.publish(3);
  await audience.sees('1/6');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '| 1/3', '1/4', '1/5', '1/6']);
});

test('a restart that begins at 0 with EXT-X-DISCONTINUITY opens one run, not two', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  rig.encoder.restart();
  await rig.encoder.make(1, { before: ['#EXT-X-DISCONTINUITY'] });
  await post(rig);
  await rig.encoder.publish(2);
  await audience.sees('1/2');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '| 1/0', '1/1', '1/2']);
});

test('a playlist that is posted ten times is taken once', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  for (let posted = 0; posted < 10; posted++) await post(rig);
  await rig.encoder.publish(1);
  await audience.sees('0/3');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3']);
});

test('a playlist that is posted by four at once is taken once', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  await rig.encoder.make();
  await rig.encoder.make();
  await Promise.all([1, 2, 3, 4].map(() => post(rig)));
  await rig.encoder.publish(1);
  await audience.sees('0/5');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '0/5']);
});

test('an old playlist that is posted late opens nothing', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  const old = rig.encoder.playlist();
  await rig.encoder.publish(3);
  await post(rig, old);
  await rig.encoder.publish(1);
  await post(rig, old);
  await rig.encoder.publish(1);
  await audience.sees('0/7');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '0/5', '0/6', '0/7']);
});

test('a playlist of the run before, posted late, opens nothing', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  const old = rig.encoder.playlist();
  rig.encoder.naming = (sequence, run) => `run-${run}-${sequence}.ts`;
  rig.encoder.restart();
  await rig.encoder.publish(2);
  await post(rig, old);
  await rig.encoder.publish(2);
  await audience.sees('1/3');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '| 1/0', '1/1', '1/2', '1/3']);
});

test('a playlist of the run before, posted late under the same names, takes nothing of the old files', async () => {
  await using rig = await Rig.start();
  await rig.encoder.publish(5);
  const audience = await Audience.of(rig);
  await audience.sees('0/4');
  const old = rig.encoder.playlist();
  rig.encoder.restart();
  await rig.encoder.publish(2);
  await audience.sees('1/1');
  await post(rig, old);
  await rig.encoder.publish(3);
  await audience.sees('1/4');
  expect(audience.watchers[1]!.story()).toEqual([...upTo(4), '| 1/0', '1/1', '1/2', '1/3', '1/4']);
});

/** Twelve segments are in, of which a spool of 5 s has dropped the first ones; gives the first playlist. */
async function onAirForLong(rig: Rig): Promise<[Audience, string]> {
  const audience = await onAir(rig);
  const old = rig.encoder.playlist();
  for (let made = 3; made < 12; made++) {
    await rig.encoder.publish(1);
    await audience.sees(`0/${made}`);
  }
  return [audience, old];
}

const upTo = (last: number) => Array.from({ length: last + 1 }, (_, index) => `0/${index}`);

test('an old playlist whose segments the spool has long dropped opens nothing', async () => {
  await using rig = await Rig.start({ edge: { 'spool-seconds': '5' } });
  const [audience, old] = await onAirForLong(rig);
  await post(rig, old);
  await rig.encoder.publish(1);
  await audience.sees('0/12');
  expect(audience.told()).toEqual(upTo(12));
});

test('an old playlist that is posted six times in a row opens nothing', async () => {
  await using rig = await Rig.start({ edge: { 'spool-seconds': '5' } });
  const [audience, old] = await onAirForLong(rig);
  for (let posted = 0; posted < 6; posted++) await post(rig, old);
  await rig.encoder.publish(1);
  await audience.sees('0/12');
  expect(audience.told()).toEqual(upTo(12));
});

test('playlists that arrive out of order are taken in once and in order', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  await rig.encoder.make();
  const fourth = rig.encoder.playlist();
  await rig.encoder.make();
  const fifth = rig.encoder.playlist();
  await rig.encoder.make();
  await post(rig);
  await post(rig, fourth);
  await post(rig, fifth);
  await rig.encoder.publish(1);
  await audience.sees('0/6');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '0/5', '0/6']);
});

test('what lost posts left out is stated as gaps where it fits in the window, and numbers stay in step', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  rig.encoder.skip(2);
  for (let made = 0; made < 3; made++) await rig.encoder.make();
  await post(rig);
  await audience.sees('0/7');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', 'gap', 'gap', '0/5', '0/6', '0/7']);
});

test('a jump beyond the window is a new run', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  rig.encoder.skip(50);
  for (let made = 0; made < 3; made++) await rig.encoder.make();
  await post(rig);
  await rig.encoder.publish(1);
  await audience.sees('0/56');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '| 0/53', '0/54', '0/55', '0/56']);
});

test('an encoder that ends its list ends its run, not the broadcast', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  await rig.encoder.make(0.4);
  await post(rig, rig.encoder.playlist(true));
  await audience.sees('0/3');
  await post(rig, rig.encoder.playlist(true));
  rig.encoder.restart();
  await rig.encoder.publish(3);
  await audience.sees('1/2');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '| 1/0', '1/1', '1/2']);
  for (const { prober } of audience.watchers) expect(prober.playlist?.text).not.toContain('ENDLIST');
});

test('an encoder that counts on after it ended its list opens a run', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  await post(rig, rig.encoder.playlist(true));
  await rig.encoder.publish(2);
  await audience.sees('0/4');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '| 0/3', '0/4']);
});

test('a list that was ended before anybody watched is taken in like any other', async () => {
  await using rig = await Rig.start();
  for (let made = 0; made < 4; made++) await rig.encoder.make();
  await post(rig, rig.encoder.playlist(true));
  const audience = await Audience.of(rig);
  await audience.sees('0/3');
  expect(audience.watchers.flatMap(({ prober }) => prober.violations)).toEqual([]);
  for (const { prober } of audience.watchers) expect(prober.playlist?.text).not.toContain('ENDLIST');
});

test('tags of other muxers, CRLF and a BOM change nothing', async () => {
  await using rig = await Rig.start();
  const audience = await onAir(rig);
  await rig.encoder.make();
  const text = playlistText({
    mediaSequence: 2,
    head: ['#EXT-X-ALLOW-CACHE:YES', '#EXT-X-INDEPENDENT-SEGMENTS', '#EXT-X-PLAYLIST-TYPE:EVENT', '# hello'],
    entries: [2, 3].map((sequence) => ({ name: rig.encoder.fileName(sequence), duration: 1 })),
  });
  await post(rig, `\uFEFF${text.replaceAll('\n', '\r\n')}`);
  await rig.encoder.publish(1);
  await audience.sees('0/4');
  expect(audience.told()).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4']);
});
