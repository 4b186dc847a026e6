import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MAIN } from '../../media/name.ts';
import type { SegmentRecord } from '../../media/segment-record.ts';
import { bytes, epochMs, seconds } from '../../media/units.ts';
import { Ledger } from './ledger.ts';

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
const range = (first: number, end: number) =>
  Array.from({ length: end - first }, (_, index) => first + index);

const NOW = epochMs(1_700_000_000_000);
const EPOCH_SECOND = 1_700_000_000;
let folder: string;
let file: string;
const open = (newest?: SegmentRecord, boot = 'boot-1', now = NOW) => Ledger.open(file, boot, newest, now);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'livemix-ledger-'));
  file = join(folder, 'camera-0.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('numbers', () => {
  test('begin at the epoch second, with a list of their own', async () => {
    const ledger = await open();
    expect(ledger).toMatchObject({ nextSequence: EPOCH_SECOND, jumped: true, discontinuity: 0 });
  });

  test('follow each other, and none is taken twice', async () => {
    const ledger = await open();
    await ledger.claim(MAIN, EPOCH_SECOND, 0);
    expect(ledger).toMatchObject({ nextSequence: EPOCH_SECOND + 1, jumped: false });
    await expect(ledger.claim(MAIN, EPOCH_SECOND, 0)).rejects.toThrow(RangeError);
    await ledger.claim(MAIN, EPOCH_SECOND + 5, 1);
    expect(ledger).toMatchObject({ nextSequence: EPOCH_SECOND + 6, discontinuity: 1 });
  });

  test('go on behind the newest record after an orderly end, on another boot, too', async () => {
    const ledger = await open();
    await ledger.claim(MAIN, EPOCH_SECOND, 2);
    await ledger.close();
    const newest = record(EPOCH_SECOND, { discontinuitySequence: 2 });
    expect(await open(newest, 'boot-2')).toMatchObject({
      nextSequence: EPOCH_SECOND + 1,
      jumped: false,
      discontinuity: 2,
    });
  });

  test('go on behind the newest record after a kill, which leaves what was written', async () => {
    await (await open()).claim(MAIN, EPOCH_SECOND, 0);
    expect(await open(record(EPOCH_SECOND))).toMatchObject({ nextSequence: EPOCH_SECOND + 1, jumped: false });
  });

  test('jump above the reservation after a power cut, which may not', async () => {
    const ledger = await open();
    for (const sequence of range(EPOCH_SECOND, EPOCH_SECOND + 10)) await ledger.claim(MAIN, sequence, 0);
    const again = await open(record(EPOCH_SECOND + 2), 'boot-2');
    expect(again.jumped).toBe(true);
    expect(again.nextSequence).toBeGreaterThanOrEqual(EPOCH_SECOND + 10);
    expect(again.nextSequence).toBeGreaterThanOrEqual(ledger.reservedSequence);
  });

  test('jump when an orderly end left another newest record than there is now', async () => {
    const ledger = await open();
    for (const sequence of range(EPOCH_SECOND, EPOCH_SECOND + 10)) await ledger.claim(MAIN, sequence, 0);
    await ledger.close();
    const again = await open(record(EPOCH_SECOND + 2));
    expect(again).toMatchObject({ nextSequence: EPOCH_SECOND + 10, jumped: true });
  });

  test('jump after a kill where segments were only in memory', async () => {
    const ledger = await open();
    await ledger.claim(MAIN, EPOCH_SECOND, 0);
    await ledger.claim(MAIN, EPOCH_SECOND + 1, 0);
    await ledger.distrustSpool();
    const again = await open(record(EPOCH_SECOND));
    expect(again.nextSequence).toBeGreaterThan(EPOCH_SECOND + 1);
    expect(again.jumped).toBe(true);
  });

  test('do not fall with the clock', async () => {
    await (await open()).claim(MAIN, EPOCH_SECOND, 0);
    const again = await open(undefined, 'boot-2', epochMs(0));
    expect(again.nextSequence).toBeGreaterThan(EPOCH_SECOND);
  });

  test('a file that is no ledger is not guessed at', async () => {
    await writeFile(file, '{"sequence":1}');
    await expect(open()).rejects.toThrow(/not a ledger/);
    await writeFile(file, '{"seq');
    await expect(open()).rejects.toThrow();
  });
});

describe('floors', () => {
  test('numbers jump above what another spool has used, also after a restart', async () => {
    const ledger = await open();
    await ledger.claim(MAIN, EPOCH_SECOND, 0);
    await ledger.raiseFloor({ sequence: EPOCH_SECOND + 50_000, discontinuity: 40 });
    expect(ledger.nextSequence).toBeGreaterThan(EPOCH_SECOND + 50_000);
    expect(ledger.jumped).toBe(true);
    const again = await open(record(EPOCH_SECOND), 'boot-2');
    expect(again.floor).toEqual({ sequence: EPOCH_SECOND + 50_000, discontinuity: 40 });
    expect(again.nextSequence).toBeGreaterThan(EPOCH_SECOND + 50_000);
  });

  test('a kill right after a floor was told does not bring the old numbers back', async () => {
    const ledger = await open();
    await ledger.claim(MAIN, EPOCH_SECOND, 0);
    await ledger.raiseFloor({ sequence: EPOCH_SECOND + 50_000, discontinuity: 40 });
    const again = await open(record(EPOCH_SECOND));
    expect(again.floor.sequence).toBe(EPOCH_SECOND + 50_000);
    expect(again.nextSequence).toBeGreaterThan(EPOCH_SECOND + 50_000);
  });

  test('never fall', async () => {
    const ledger = await open();
    await ledger.raiseFloor({ sequence: EPOCH_SECOND + 100, discontinuity: 4 });
    await ledger.raiseFloor({ sequence: 5, discontinuity: 1 });
    expect(ledger.floor).toEqual({ sequence: EPOCH_SECOND + 100, discontinuity: 4 });
  });

  test('stretches count on above the floor, and what is reserved is above all that was told', async () => {
    const ledger = await open();
    await ledger.raiseFloor({ sequence: 5, discontinuity: 40 });
    for (let opened = 0; opened < 40; opened++) {
      const stretch = await ledger.openStretch(MAIN, EPOCH_SECOND + opened, 4);
      expect(stretch.ordinal).toBeGreaterThan(40);
      expect(ledger.reservedDiscontinuity).toBeGreaterThan(stretch.ordinal + ledger.discontinuity);
    }
  });
});

describe('stretches', () => {
  test('an ordinal is never used twice, and the open stretch is known after a kill', async () => {
    const ledger = await open();
    const first = await ledger.openStretch(MAIN, 10, 2);
    const second = await ledger.openStretch(MAIN, 20, 2);
    expect(second.ordinal).toBeGreaterThan(first.ordinal);
    await ledger.raiseTarget(5);
    const again = await open(record(EPOCH_SECOND), 'boot-2');
    expect(again.stretchOf(MAIN)).toEqual({ ...second, targetDuration: 5 });
    expect((await again.openStretch(MAIN, 30, 2)).ordinal).toBeGreaterThan(second.ordinal);
  });

  test('how far it got is known after a rest, and unknown while publishing', async () => {
    const ledger = await open();
    await ledger.openStretch(MAIN, 10, 2);
    await ledger.rest(MAIN, 15);
    expect((await open()).publishedThrough(MAIN)).toBe(15);
    await ledger.resumeStretch(MAIN);
    expect((await open()).publishedThrough(MAIN)).toBeUndefined();
  });

  test('writes that overlap leave the newest of all', async () => {
    const ledger = await open();
    await Promise.all([
      ledger.openStretch(MAIN, 10, 2),
      ledger.claim(MAIN, EPOCH_SECOND, 1),
      ledger.rest(MAIN, 12),
    ]);
    const again = await open(record(EPOCH_SECOND));
    expect(again.stretchOf(MAIN)?.first).toBe(10);
    expect(again.publishedThrough(MAIN)).toBe(12);
    expect(again.reservedSequence).toBeGreaterThan(EPOCH_SECOND);
  });
});

describe('a ledger from before there were renditions', () => {
  const older = {
    boot: 'boot-1',
    clean: true,
    sequence: EPOCH_SECOND + 21,
    discontinuity: 3,
    floor: { sequence: 0, discontinuity: 0 },
    ordinal: 2,
  };
  const stretch = { first: EPOCH_SECOND + 5, ordinal: 2, targetDuration: 4 };

  test.each([
    ['that rested', { ...older, stretch, publishedThrough: EPOCH_SECOND + 18 }, EPOCH_SECOND + 18],
    ['that was publishing', { ...older, stretch }, undefined],
  ])('%s goes on as that of the one it had, also after the next start', async (_, state, through) => {
    await writeFile(file, JSON.stringify(state));
    for (let start = 0; start < 2; start++) {
      const ledger = await open(record(EPOCH_SECOND + 20));
      expect(ledger).toMatchObject({ nextSequence: EPOCH_SECOND + 21, jumped: false, isNew: false });
      expect(ledger.stretchOf(MAIN)).toEqual({ ...stretch, from: stretch.first });
      expect(ledger.stretch?.after).toBe(stretch.first - 1);
      expect(ledger.publishedThrough(MAIN)).toBe(through);
      await ledger.close();
    }
  });

  test('that never published has no stretch', async () => {
    await writeFile(file, JSON.stringify({ ...older, publishedThrough: 0 }));
    const ledger = await open(record(EPOCH_SECOND + 20));
    expect([ledger.stretch, ledger.publishedThrough(MAIN)]).toEqual([undefined, 0]);
  });
});

describe('stretches of several renditions', () => {
  test('one enters what another opened, and both are known after a kill', async () => {
    const ledger = await open();
    const { ordinal } = await ledger.openStretch('high', 10, 2, 9);
    expect(ledger.stretchOf('low')).toBeUndefined();
    expect(await ledger.enterStretch('low', 12)).toEqual({ first: 12, from: 12, ordinal, targetDuration: 2 });
    const again = await open(record(EPOCH_SECOND));
    expect(again.stretchOf('high')).toEqual({ first: 10, from: 10, ordinal, targetDuration: 2 });
    expect(again.stretchOf('low')).toEqual({ first: 12, from: 12, ordinal, targetDuration: 2 });
    expect(again.stretch).toMatchObject({ ordinal, after: 9, targetDuration: 2 });
  });

  test('one that comes back keeps where its tag stands, and lists from later on', async () => {
    const ledger = await open();
    await ledger.openStretch('high', 10, 2);
    await ledger.enterStretch('low', 12);
    expect(await ledger.enterStretch('low', 40)).toMatchObject({ first: 12, from: 40 });
    expect((await open(record(EPOCH_SECOND))).stretchOf('low')).toMatchObject({ first: 12, from: 40 });
  });

  test("the next one is nobody's before its first number", async () => {
    const ledger = await open();
    const before = await ledger.openStretch('high', 10, 2);
    await ledger.openStretchAhead('high', 4, 31);
    expect(ledger.stretchOf('high')).toBeUndefined();
    expect(ledger.stretch).toMatchObject({ ordinal: before.ordinal + 1, after: 31, targetDuration: 4 });
    expect(await ledger.enterStretch('high', 32)).toMatchObject({ first: 32, ordinal: before.ordinal + 1 });
  });

  test('who was in a stretch that another rendition ended knows where it ends; who ended it does not go back', async () => {
    const ledger = await open();
    const { ordinal } = await ledger.openStretch('high', 10, 2);
    await ledger.enterStretch('low', 12);
    await ledger.openStretch('low', 21, 2, 20);
    expect(ledger.endingOf('high')).toEqual({ first: 10, from: 10, ordinal, targetDuration: 2, through: 20 });
    expect([ledger.endingOf('low'), ledger.endingOf('sound')]).toEqual([undefined, undefined]);
    await ledger.openStretchAhead('low', 2, 30);
    expect(ledger.endingOf('high')).toBeUndefined();
  });

  test('the target duration is one for all, and never falls', async () => {
    const ledger = await open();
    await ledger.openStretch('high', 10, 2);
    await ledger.enterStretch('low', 12);
    await Promise.all([ledger.raiseTarget(6), ledger.raiseTarget(4)]);
    expect([ledger.stretchOf('high')?.targetDuration, ledger.stretchOf('low')?.targetDuration]).toEqual([
      6, 6,
    ]);
  });

  test('each knows for itself how far it got', async () => {
    const ledger = await open();
    await ledger.openStretch('high', 10, 2);
    await ledger.enterStretch('low', 12);
    await ledger.rest('low', 20);
    const again = await open(record(EPOCH_SECOND));
    expect([again.publishedThrough('high'), again.publishedThrough('low')]).toEqual([undefined, 20]);
    expect(again.publishedThrough('never')).toBe(0);
  });

  test('renditions in step take the same numbers, each once', async () => {
    const ledger = await open();
    for (const name of ['high', 'low']) await ledger.claim(name, EPOCH_SECOND, 0);
    expect(ledger.nextSequence).toBe(EPOCH_SECOND + 1);
    await expect(ledger.claim('low', EPOCH_SECOND, 0)).rejects.toThrow(RangeError);
  });

  test('a rendition may be called like something that every object has', async () => {
    const ledger = await open();
    await ledger.openStretch('high', 10, 2);
    for (const name of ['constructor', 'toString']) {
      expect(ledger.stretchOf(name)).toBeUndefined();
      expect(ledger.publishedThrough(name)).toBe(0);
      expect(await ledger.enterStretch(name, 12)).toMatchObject({ first: 12, from: 12 });
    }
  });
});

test('whatever ends a process, whenever: no number is used twice, no discontinuity goes back', async () => {
  const steps = fc.array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constant('claim' as const),
          skip: fc.nat({ max: 3 }),
          tag: fc.boolean(),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('leap' as const), by: fc.integer({ min: 900, max: 1100 }) }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('power' as const), keeps: fc.nat({ max: 20 }) }) },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('floor' as const), above: fc.integer({ min: -10, max: 50 }) }),
      },
    ),
    { maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      await rm(file, { force: true });
      let boot = 1;
      let written: SegmentRecord[] = [];
      let used = 0;
      let tags = 0;
      let floor = 0;
      const start = () => open(written.at(-1), `boot-${boot}`);
      let ledger = await start();
      for (const step of all) {
        if (step.do === 'claim' || step.do === 'leap') {
          const sequence = ledger.nextSequence + (step.do === 'leap' ? step.by : step.skip);
          const discontinuity = ledger.discontinuity + (step.do === 'leap' || step.tag ? 1 : 0);
          await ledger.claim(MAIN, sequence, discontinuity);
          expect(sequence).toBeGreaterThan(used);
          expect(discontinuity).toBeGreaterThanOrEqual(tags);
          expect(sequence).toBeLessThan(ledger.reservedSequence);
          [used, tags] = [sequence, discontinuity];
          written.push(record(sequence, { discontinuitySequence: discontinuity }));
        } else if (step.do === 'floor') {
          floor = Math.max(floor, used + step.above);
          await ledger.raiseFloor({ sequence: floor, discontinuity: 1 });
        } else {
          if (step.do === 'close') await ledger.close();
          if (step.do === 'power') {
            boot += 1;
            written = written.slice(0, Math.max(0, written.length - step.keeps));
          }
          ledger = await start();
          expect(ledger.nextSequence).toBeGreaterThan(used);
          expect(ledger.discontinuity).toBeGreaterThanOrEqual(tags);
        }
        expect(ledger.floor.sequence).toBe(Math.max(floor, 0));
        expect(ledger.nextSequence).toBeGreaterThan(ledger.floor.sequence);
      }
    }),
    { numRuns: 40 },
  );
});
