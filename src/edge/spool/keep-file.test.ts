import { mkdtempSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { epochMs } from '../../media/units.ts';
import { KeepFile } from './keep-file.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'livemix-keep-'));
  file = join(folder, 'keep.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const span = (from: number, until?: number) => ({
  from: epochMs(from),
  ...(until !== undefined && { until: epochMs(until) }),
});
const reopened = async () => {
  const keep = await KeepFile.open(file);
  return Object.fromEntries([...keep.sources].map((source) => [source, keep.of(source)]));
};
/** A folder in the way of the temporary file: nothing can be written. */
const blockDisk = () => mkdir(`${file}.tmp`);
const freeDisk = () => rm(`${file}.tmp`, { recursive: true });

test('what is wanted is there after any end of the edge', async () => {
  const keep = await KeepFile.open(file);
  expect(await keep.set('camera-0', [span(1, 2), span(5)])).toBe(true);
  expect(await keep.set('camera-1', [span(3)])).toBe(true);
  expect(await reopened()).toEqual({ 'camera-0': [span(1, 2), span(5)], 'camera-1': [span(3)] });
  expect(await keep.set('camera-0', [])).toBe(true);
  expect(await reopened()).toEqual({ 'camera-1': [span(3)] });
  expect(await readdir(folder)).toEqual(['keep.json']);
});

test('the same again is no news and is not written again', async () => {
  const keep = await KeepFile.open(file);
  expect(await keep.set('camera-0', [])).toBe(false);
  await keep.set('camera-0', [span(1)]);
  await rm(file);
  expect(await keep.set('camera-0', [span(1)])).toBe(false);
  expect(await readdir(folder)).toEqual([]);
});

test('many changes at once all last, in their order', async () => {
  const keep = await KeepFile.open(file);
  await Promise.all([
    ...Array.from({ length: 20 }, (_, index) => keep.set('camera-0', [span(index)])),
    keep.set('camera-1', [span(7)]),
  ]);
  expect(await reopened()).toEqual({ 'camera-0': [span(19)], 'camera-1': [span(7)] });
});

test('what a full disk did not take is not held for written: it is written when it is told again', async () => {
  const keep = await KeepFile.open(file);
  await blockDisk();
  await expect(keep.set('camera-0', [span(1)])).rejects.toThrow();
  await expect(keep.set('camera-0', [span(1)])).rejects.toThrow();
  // It rules already: what leaves the window meanwhile is held.
  expect(keep.of('camera-0')).toEqual([span(1)]);
  await freeDisk();
  expect(await keep.set('camera-0', [span(1)])).toBe(true);
  expect(await reopened()).toEqual({ 'camera-0': [span(1)] });
  expect(await keep.set('camera-0', [span(1)])).toBe(false);
});

test('nothing is said to be written before it is: who says the same meanwhile waits for it', async () => {
  const keep = await KeepFile.open(file);
  const first = keep.set('camera-0', [span(1)]);
  await keep.set('camera-0', [span(1)]);
  expect(await reopened()).toEqual({ 'camera-0': [span(1)] });
  await first;
});

test.each([
  ['something else', '[]'],
  ['a source that has no name', '{"sources":{"../x":[]}}'],
  ['half a file', '{"sources":{'],
])('%s in its place is not overwritten', async (_, text) => {
  await writeFile(file, text);
  await expect(KeepFile.open(file)).rejects.toThrow(file);
  expect(await readFile(file, 'utf8')).toBe(text);
});
