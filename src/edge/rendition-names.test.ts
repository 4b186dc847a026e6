import { mkdtempSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readMultivariantPlaylist } from '../hls/parse-multivariant.ts';
import { PlaylistError } from '../hls/playlist-error.ts';
import { multivariantRenditions } from '../hls/render-multivariant.ts';
import { MAIN } from '../media/name.ts';
import { RenditionNames } from './rendition-names.ts';

let folder: string;
let file: string;
let names: RenditionNames;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'livemix-names-'));
  file = join(folder, 'camera-0.json');
  names = await RenditionNames.open(file);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const ladder = (...uris: string[]) =>
  readMultivariantPlaylist(
    `#EXTM3U\n${uris.map((uri, at) => `#EXT-X-STREAM-INF:BANDWIDTH=${at + 1}000\n${uri}\n`).join('')}`,
  );
const describeAs = (...uris: string[]) => names.describe(ladder(...uris), (uri) => uri);
const served = () => multivariantRenditions(names.multivariant ?? '#EXTM3U\n');

describe('names of renditions', () => {
  test.each([
    [
      ['low.m3u8', 'high.m3u8'],
      ['low', 'high'],
    ],
    [
      ['low/index.m3u8', 'high/prog_index.m3u8'],
      ['low', 'high'],
    ],
    [
      ['out_0.m3u8', 'out_1.m3u8'],
      ['out_0', 'out_1'],
    ],
    [
      ['a/b/c/d.m3u8', 'main.m3u8'],
      ['c-d', 'rendition'],
    ],
    [
      ['index.m3u8', 'playlist.m3u8', 'stream.m3u8'],
      ['rendition', 'rendition-2', 'rendition-3'],
    ],
    [
      ['é.m3u8', '_low.m3u8', 'low.m3u8'],
      ['rendition', 'low', 'low-2'],
    ],
    [[`${'x'.repeat(180)}.m3u8`], ['x'.repeat(56)]],
    [
      ['low.m3u8?token=1', 'low.m3u8?token=2'],
      ['low', 'low-2'],
    ],
  ])('of %j are %j', async (uris, expected) => {
    await describeAs(...uris);
    expect(uris.map((uri) => names.of(uri))).toEqual(expected);
    expect(served()).toEqual(expected.map((name) => `${name}.m3u8`));
    expect(names.all).toEqual(expected);
  });

  test('stay where the encoder names others beside them, in another order, and after a restart', async () => {
    await describeAs('a/index.m3u8', 'b/index.m3u8');
    await describeAs('c/index.m3u8', 'b/index.m3u8', 'x/y/a.m3u8', 'a/index.m3u8');
    expect(names.of('a/index.m3u8')).toBe('a');
    expect(names.of('b/index.m3u8')).toBe('b');
    const again = await RenditionNames.open(file);
    expect(again.multivariant).toBe(names.multivariant);
    expect(again.of('x/y/a.m3u8')).toBe('y-a');
  });

  test('are those of the sender where it has some', async () => {
    await names.describe(
      ladder('low.m3u8', 'high'),
      (uri) => `/v1/playlist/${uri}`,
      (place) => place.split('/').at(-1)!.replace('.m3u8', ''),
    );
    expect(names.all).toEqual(['low', 'high']);
  });

  test('differ although each place was once held for the only one', async () => {
    await names.single('high/index.m3u8');
    await names.single('low/index.m3u8');
    expect([names.of('high/index.m3u8'), names.of('low/index.m3u8')]).toEqual([MAIN, MAIN]);
    await describeAs('low/index.m3u8', 'high/index.m3u8');
    expect(served()).toEqual([`${MAIN}.m3u8`, 'high.m3u8']);
  });

  test('are forgotten where the source has but one again', async () => {
    await describeAs('low.m3u8', 'high.m3u8');
    await names.single('out.m3u8');
    expect(names.multivariant).toBeUndefined();
    expect(names.of('low.m3u8')).toBeUndefined();
    expect((await RenditionNames.open(file)).of('out.m3u8')).toBe(MAIN);
  });

  test('of a source with one are remembered of eight places', async () => {
    for (let place = 0; place < 20; place++) await names.single(`${place}.m3u8`);
    expect(names.of('12.m3u8')).toBe(MAIN);
    expect(names.of('11.m3u8')).toBeUndefined();
  });
});

test('a playlist is refused that does not fit a message to control, and nothing is changed', async () => {
  await describeAs('low.m3u8');
  for (const name of ['x'.repeat(1_600), '映'.repeat(1_150)]) {
    const lines = Array.from(
      { length: 20 },
      (_, at) => `#EXT-X-STREAM-INF:BANDWIDTH=1,NAME="${name}"\n${at}.m3u8\n`,
    );
    const long = readMultivariantPlaylist(`#EXTM3U\n${lines.join('')}`);
    await expect(names.describe(long, (uri) => uri)).rejects.toThrow(PlaylistError);
  }
  expect(names.all).toEqual(['low']);
});

test('what the disk refused is written when the encoder says it again', async () => {
  const inTheWay = `${file}.tmp`;
  await mkdir(inTheWay);
  await expect(describeAs('low.m3u8')).rejects.toThrow();
  await expect(describeAs('low.m3u8')).rejects.toThrow();
  await rm(inTheWay, { recursive: true });
  await describeAs('low.m3u8');
  expect((await RenditionNames.open(file)).all).toEqual(['low']);
});
