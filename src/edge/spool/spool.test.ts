import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { copyFile, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SegmentRecord } from '../../media/segment-record.ts';
import { bytes, epochMs, MIB, seconds } from '../../media/units.ts';
import { isDiskFull, Spool } from './spool.ts';

const record = (sequence: number, of: Partial<SegmentRecord> = {}): SegmentRecord => ({
  sequence,
  at: epochMs(1_700_000_000_000 + sequence * 1000),
  duration: seconds(1),
  digest: createHash('sha256').update(String(sequence)).digest('base64url'),
  bytes: bytes(188),
  extension: 'ts',
  discontinuity: false,
  discontinuitySequence: 0,
  targetDuration: 1,
  listFrom: 0,
  encoder: { sequence, name: `${sequence}.ts`, bytes: bytes(188), modifiedAt: epochMs(0), targetDuration: 1 },
  ...of,
});

const place = { source: 'camera-0', rendition: 'main' };
const contentOf = (sequence: number) => Buffer.alloc(188, sequence + 1);
let folder: string;
let told: string[];
const open = () =>
  Spool.open(folder, {
    spoolTorn: (_, fileName) => void told.push(fileName),
    spoolFailed: (operation) => void told.push(operation),
  });
const keep = async (spool: Spool, sequence: number, where = place) => {
  const staged = await spool.stage();
  // In two pieces, as they come from a file.
  await staged.write(contentOf(sequence).subarray(0, 100));
  await staged.write(contentOf(sequence).subarray(100));
  await staged.commit(where, record(sequence), false);
};
const recover = async (spool: Spool) => {
  const found: { source: string; rendition: string; records: readonly SegmentRecord[] }[] = [];
  for await (const one of spool.recover()) found.push(one);
  return found;
};
const segments = () => join(folder, 'segments', place.source, place.rendition);
const fileOf = async (sequence: number) =>
  join(segments(), (await readdir(segments())).find((name) => name.startsWith(`${sequence}-`))!);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'livemix-spool-'));
  told = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a spool', () => {
  test('is empty at first and keeps its id over restarts; another folder has another', async () => {
    const { id } = await open();
    expect(await recover(await open())).toEqual([]);
    expect((await open()).id).toBe(id);
    await rm(folder, { recursive: true });
    expect((await open()).id).not.toBe(id);
  });

  test('gives back what it took, as a whole and as a stream, without the trailer', async () => {
    const spool = await open();
    await keep(spool, 7);
    expect(await spool.read(place, record(7))).toEqual(contentOf(7));
    expect(await buffer(spool.stream(place, record(7)))).toEqual(contentOf(7));
    expect((await stat(await fileOf(7))).size).toBeGreaterThan(188);
    expect(spool.bytes).toBe(188);
  });

  test('takes a segment in more pieces than one write of the system may have, empty ones among them', async () => {
    const spool = await open();
    const content = Buffer.from(Array.from({ length: 3_000 }, (_, at) => at & 0xff));
    const pieces = [...content].flatMap((byte) => [Buffer.from([byte]), Buffer.alloc(0)]);
    const own = record(7, { bytes: bytes(content.length) });
    const staged = await spool.stage();
    await staged.write(...pieces);
    expect(await staged.content()).toEqual(content);
    await staged.commit(place, own, false);
    expect(await spool.read(place, own)).toEqual(content);
  });

  test('a segment lies under its number, time, duration and digest', async () => {
    await keep(await open(), 7);
    const { at, digest } = record(7);
    expect(await readdir(segments())).toEqual([`7-${at}-1000-${digest}.ts`]);
  });

  test('a restarted edge finds all of it, in the order of the numbers', async () => {
    const spool = await open();
    for (const sequence of [9, 10, 100, 8]) await keep(spool, sequence);
    await keep(spool, 3, { source: 'camera-1', rendition: 'main' });
    const again = await open();
    const found = await recover(again);
    expect(found.map(({ source }) => source).sort()).toEqual(['camera-0', 'camera-1']);
    expect(found.find(({ source }) => source === 'camera-0')).toEqual({
      ...place,
      records: [8, 9, 10, 100].map((sequence) => record(sequence)),
    });
    expect(again.bytes).toBe(5 * 188);
    expect(told).toEqual([]);
  });

  test('a gap is kept as well', async () => {
    const spool = await open();
    const gap = record(4, { gap: 'missing_at_source', digest: '', bytes: bytes(0) });
    await (await spool.stage()).commit(place, gap, true);
    expect((await recover(await open()))[0]!.records).toEqual([gap]);
  });

  test('what was not finished is removed without a word', async () => {
    const spool = await open();
    await keep(spool, 1);
    const staged = await spool.stage();
    await staged.write(contentOf(2));
    expect((await recover(await open()))[0]!.records).toEqual([record(1)]);
    expect(await readdir(segments())).toHaveLength(1);
    expect(await readdir(join(folder, 'arriving'))).toEqual([]);
    expect(told).toEqual([]);
    await staged.discard();
  });

  test('what was given up leaves nothing', async () => {
    const spool = await open();
    const staged = await spool.stage();
    await staged.write(contentOf(2));
    await staged.discard();
    expect(await readdir(join(folder, 'arriving'))).toEqual([]);
    expect(spool.bytes).toBe(0);
  });

  test.each<[string, (file: string) => Promise<void>]>([
    ['cut off at its end', async (file) => truncate(file, (await stat(file)).size - 1)],
    ['cut off in its trailer', async (file) => truncate(file, 200)],
    ['cut off in its media', (file) => truncate(file, 100)],
    ['empty', (file) => truncate(file, 0)],
    ['all zeros', async (file) => writeFile(file, Buffer.alloc((await stat(file)).size))],
    ['without some of its media', async (file) => writeFile(file, (await readFile(file)).subarray(50))],
    [
      'with a record that is none',
      async (file) => {
        const content = await readFile(file);
        content.write('x', 189);
        await writeFile(file, content);
      },
    ],
    [
      'with a length beyond the file',
      async (file) => {
        const content = await readFile(file);
        content.writeUInt32BE(0xffff_ffff, content.length - 8);
        await writeFile(file, content);
      },
    ],
  ])('a file that is %s is told of and removed, and the rest stays', async (_, hurt) => {
    const spool = await open();
    for (const sequence of [1, 2, 3]) await keep(spool, sequence);
    const torn = await fileOf(2);
    await hurt(torn);
    const again = await open();
    expect((await recover(again))[0]!.records).toEqual([record(1), record(3)]);
    expect(told).toEqual([torn.slice(segments().length + 1)]);
    expect(await readdir(segments())).toHaveLength(2);
    expect(again.bytes).toBe(2 * 188);
  });

  test('a file under the name of another is torn', async () => {
    await keep(await open(), 1);
    const name = await fileOf(1);
    await copyFile(name, join(segments(), name.slice(segments().length + 1).replace(/^1-/, '2-')));
    expect((await recover(await open()))[0]!.records).toEqual([record(1)]);
    expect(told).toHaveLength(1);
  });

  test('what is let go is gone, and its room is free', async () => {
    const spool = await open();
    await keep(spool, 1);
    await keep(spool, 2);
    spool.drop(place, record(1));
    expect(spool.bytes).toBe(188);
    await expect.poll(() => readdir(segments())).toHaveLength(1);
    await expect(spool.read(place, record(1))).rejects.toThrow();
    spool.drop(place, record(1)); // Somebody else was quicker.
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(told).toEqual([]);
  });

  test('a file that became short is not read as if it were whole', async () => {
    const spool = await open();
    await keep(spool, 1);
    await truncate(await fileOf(1), 100);
    await expect(spool.read(place, record(1))).rejects.toThrow(/short/);
  });
});

describe('while the disk refuses', () => {
  test('segments are kept in memory and read from there', async () => {
    const spool = await open();
    expect(spool.keepInMemory(place, record(1), contentOf(1))).toBe(true);
    expect(await spool.read(place, record(1))).toEqual(contentOf(1));
    expect(await buffer(spool.stream(place, record(1)))).toEqual(contentOf(1));
    expect(spool.bytes).toBe(188);
    spool.drop(place, record(1));
    expect(spool.bytes).toBe(0);
    await expect(spool.read(place, record(1))).rejects.toThrow();
  });

  test('memory has an end, and room again when something goes', async () => {
    const spool = await open();
    const content = Buffer.alloc(8 * MIB);
    const large = (sequence: number) =>
      record(sequence, { bytes: bytes(content.length), duration: seconds(2) });
    let kept = 0;
    while (kept < 100 && spool.keepInMemory(place, large(kept), content)) kept += 1;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(100);
    spool.drop(place, large(0));
    expect(spool.keepInMemory(place, large(kept), content)).toBe(true);
    expect(spool.keepInMemory(place, large(kept + 1), content)).toBe(false);
  });

  test('a full disk is told from other faults', () => {
    expect(['ENOSPC', 'EDQUOT', 'EIO'].map((code) => isDiskFull({ code }))).toEqual([true, true, false]);
    expect(isDiskFull(undefined)).toBe(false);
  });
});
