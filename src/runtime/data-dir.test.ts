import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DataDirInUse, lockDataDir } from './data-dir.ts';
import { SettingsError } from './settings-error.ts';

let folder: string;
let child: ChildProcess | undefined;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'livemix-data-')), 'data');
});
afterEach(async () => {
  child?.kill('SIGKILL');
  child = undefined;
  await rm(join(folder, '..'), { recursive: true, force: true });
});

const marks = async (kind: string) =>
  (await readdir(join(folder, 'lock'))).filter((name) => name.startsWith(kind));

/** Leaves the marks of a process that was killed while it held the folder: this one's, with parts changed. */
async function leftBehind(change: (parts: string[]) => void): Promise<void> {
  const lock = await lockDataDir(folder);
  const names = [...(await marks('held')), ...(await marks('claim'))];
  await lock.release();
  for (const name of names) {
    const parts = name.split('.');
    change(parts);
    await writeFile(join(folder, 'lock', parts.join('.')), '');
  }
}

const startOf = async (pid: number) =>
  (await readFile(`/proc/${pid}/stat`, 'latin1')).split(') ')[1]!.split(' ')[19]!;

test('a missing folder is made, for this user alone', async () => {
  await using lock = await lockDataDir(folder);
  expect(lock.path).toBe(folder);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
});

test('a folder is locked once, also within one process, and again after its release', async () => {
  const first = await lockDataDir(folder);
  const refused = await lockDataDir(`${folder}/`).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(DataDirInUse);
  expect(refused).toBeInstanceOf(SettingsError);
  expect((refused as Error).message).toContain(folder);
  expect((refused as Error).message).toContain(String(process.pid));
  await first.release();
  await first.release();
  expect(await readdir(join(folder, 'lock'))).toEqual([]);
  await (await lockDataDir(folder)).release();
});

test('of many starters at once exactly one wins, also over what a dead one left', async () => {
  for (let round = 0; round < 3; round++) {
    await leftBehind((parts) => {
      parts[2] = '1'; // started at another time: its number was given again
    });
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => lockDataDir(folder)));
    const won = results.filter((result) => result.status === 'fulfilled');
    expect(won).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(DataDirInUse);
    }
    await won[0]!.value.release();
  }
});

test('another live process keeps the folder until it is killed', async () => {
  child = spawn('sleep', ['60']);
  const pid = child.pid!;
  const startedAt = await startOf(pid);
  await leftBehind((parts) => {
    parts[1] = String(pid);
    parts[2] = startedAt;
  });
  await expect(lockDataDir(folder)).rejects.toMatchObject({ name: 'DataDirInUse', pid });
  const gone = new Promise((resolve) => child!.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  await using lock = await lockDataDir(folder);
  expect(lock.path).toBe(folder);
  expect(await marks('held')).toHaveLength(1);
});

test('a lock from before the system was started again does not count', async () => {
  await leftBehind((parts) => {
    parts[4] = 'abcdef';
  });
  await (await lockDataDir(folder)).release();
});

test('a process of another container is known by its socket', async () => {
  const lock = await lockDataDir(folder);
  for (const name of [...(await marks('held')), ...(await marks('claim'))]) {
    const parts = name.split('.');
    parts[1] = '1';
    parts[3] = '4026599999';
    await rename(join(folder, 'lock', name), join(folder, 'lock', parts.join('.')));
  }
  await expect(lockDataDir(folder)).rejects.toMatchObject({ name: 'DataDirInUse', pid: 1 });
  await lock.release(); // its socket goes, its renamed marks stay, as after a kill
  await (await lockDataDir(folder)).release();
});

test('other files in the lock folder are left alone', async () => {
  await mkdir(join(folder, 'lock'), { recursive: true });
  await writeFile(join(folder, 'lock', 'held.x'), 'mine');
  await (await lockDataDir(folder)).release();
  expect(await readdir(join(folder, 'lock'))).toEqual(['held.x']);
});

test('a folder that cannot be made is an error of the setting', async () => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'file'), '');
  await expect(lockDataDir(join(folder, 'file', 'data'))).rejects.toThrow(/LIVEMIX_DATA_DIR: .*ENOTDIR/);
});
