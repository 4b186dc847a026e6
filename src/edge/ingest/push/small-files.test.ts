import { mkdtempSync } from 'node:fs';
import { rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { SmallFiles } from './small-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'livemix-small-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

test('what was set is there after a restart, the newest of a name, and nobody else may read it', async () => {
  const file = join(folder, 'door.json');
  const files = SmallFiles.empty(file);
  const init = Buffer.from([0, 255, 128, 7]);
  for (let turn = 0; turn < 100; turn++) files.set('high/cam.key', Buffer.from(`key ${turn}`));
  files.set('init.mp4', init);
  await files.close();
  const left = await SmallFiles.left(file);
  expect(left?.get('high/cam.key')?.toString()).toBe('key 99');
  expect(left?.get('init.mp4')?.equals(init)).toBe(true);
  expect(left?.has('cam.key')).toBe(false);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('the last used of too many are kept', async () => {
  const file = join(folder, 'many.json');
  const files = SmallFiles.empty(file);
  for (let key = 0; key < 100; key++) files.set(`${key}.key`, Buffer.from('k'));
  await files.close();
  const left = await SmallFiles.left(file);
  expect([left?.has('35.key'), left?.has('36.key'), left?.has('99.key')]).toEqual([false, true, true]);
});

test('where there is nothing that can be read, there are none', async () => {
  expect(await SmallFiles.left(join(folder, 'none.json'))).toBeUndefined();
  await writeFile(join(folder, 'torn.json'), '{"a":"');
  expect(await SmallFiles.left(join(folder, 'torn.json'))).toBeUndefined();
  const nowhere = SmallFiles.empty('/nowhere/small.json');
  nowhere.set('cam.key', Buffer.from('k'));
  await nowhere.close();
  expect(nowhere.get('cam.key')?.toString()).toBe('k');
});
