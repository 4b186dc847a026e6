import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { recordForTest } from '../../media/record-for-test.ts';
import { epochMs, seconds } from '../../media/units.ts';
import type { EdgeEvents } from '../events.ts';
import type { Source } from '../source.ts';
import { Ledger } from '../spool/ledger.ts';
import { type Companion, chooseStretch, type Standing } from './choose-stretch.ts';

let folder: string;
let ledger: Ledger;
/** Segments that were told of as skipped, each time a stretch opened. */
let skipped: number[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'livemix-choose-'));
  ledger = await Ledger.open(join(folder, 'camera.json'), 'boot', undefined, epochMs(1_000));
  skipped = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const records = (first: number, end: number) =>
  Array.from({ length: end - first }, (_, at) =>
    recordForTest(first + at, {
      duration: seconds(1),
      targetDuration: 1,
      encoder: { ...recordForTest(0).encoder, targetDuration: 1 },
    }),
  );
const low: Companion = { forwarding: true, isInStretch: true, toldThrough: 0 };

function choose(through: number, newest: number, of: Partial<Standing> = {}) {
  const window = records(1, newest + 1);
  const source = { name: 'camera', ledger, renditions: [{ window: { records: window } }] };
  const standing: Standing = {
    source: source as unknown as Source,
    name: 'high',
    companions: [],
    through,
    broken: 0,
    begins: false,
    isForgotten: false,
    paused: false,
    liveSegments: 6,
    ...of,
  };
  const events = {
    stretchOpened: (_: string, __: number, many: number) => void skipped.push(many),
    liveSkipped: (_: string, __: string, ___: number, many: number) => void skipped.push(many),
  } as unknown as EdgeEvents;
  return chooseStretch(standing, window, events);
}

test('what is skipped is told of once, however often a stretch gets nowhere', async () => {
  await choose(0, 5, { begins: true });
  expect(await choose(5, 20)).toMatchObject({ first: 18 });
  expect(await choose(5, 30, { paused: true })).toMatchObject({ first: 28 });
  expect(skipped).toEqual([0, 12, 10]);
});

test('a stretch opens behind all that was told of others, at once where there is something', async () => {
  await choose(0, 5, { begins: true });
  const companions = [{ ...low, toldThrough: 19 }];
  expect(await choose(5, 21, { companions })).toMatchObject({ first: 20 });
  expect(ledger.stretch).toMatchObject({ after: 19 });
});

test('where there is nothing behind it, the stretch waits for it; the others leave theirs all the same', async () => {
  await choose(0, 5, { begins: true });
  const { ordinal } = await ledger.enterStretch('low', 3);
  const companions = [{ ...low, toldThrough: 21 }];
  expect(await choose(5, 21, { companions })).toBeUndefined();
  expect(await choose(5, 21, { companions })).toBeUndefined();
  expect(ledger.stretchOf('low')).toBeUndefined();
  expect(ledger.stretch).toMatchObject({ ordinal: ordinal + 1, after: 21 });
  const ahead = [{ ...low, toldThrough: 22 }];
  expect(await choose(5, 22, { companions: ahead })).toMatchObject({ first: 22, ordinal: ordinal + 1 });
});

test('a segment that cannot be given to control is left behind by the stretch that follows', async () => {
  await choose(0, 5, { begins: true });
  expect(await choose(5, 8, { broken: 6 })).toMatchObject({ first: 7 });
});

test('one that begins enters the stretch of others, and takes a new one where nobody is any more', async () => {
  await ledger.openStretch('low', 10, 1);
  const companions = [{ ...low, toldThrough: 30 }];
  expect(await choose(0, 30, { begins: true, companions })).toMatchObject({ first: 28, ordinal: 1 });
  await ledger.openStretchAhead('low', 1, 30);
  const gone = [{ forwarding: false, isInStretch: false, toldThrough: 30 }];
  expect(await choose(30, 50, { begins: true, companions: gone })).toMatchObject({ first: 48, ordinal: 3 });
});

test('one that lags when another opens a stretch brings the last one to its end first, and leaves nothing out', async () => {
  await choose(0, 5, { begins: true });
  const { ordinal } = ledger.stretchOf('high')!;
  await ledger.openStretch('low', 8, 1, 7);
  const companions = [{ ...low, toldThrough: 8 }];
  expect(await choose(5, 6, { companions })).toMatchObject({ ordinal, through: 7 });
  // What stands in it must come yet.
  expect(await choose(6, 6, { companions })).toBeUndefined();
  expect(await choose(6, 7, { companions })).toMatchObject({ ordinal, through: 7 });
  expect(await choose(7, 8, { companions })).toMatchObject({ first: 8, ordinal: ordinal + 1 });
  expect(skipped.filter((many) => many > 0)).toEqual([]);
});

test('one that lags too far, or after a pause, goes on in the new stretch; what it left out is told of', async () => {
  await choose(0, 5, { begins: true });
  const companions = [{ ...low, toldThrough: 22 }];
  await ledger.openStretch('low', 20, 1, 19);
  expect(await choose(5, 20, { companions })).toMatchObject({ first: 20 });
  expect(skipped.at(-1)).toBe(14);
  await ledger.openStretch('low', 22, 1, 21);
  expect(await choose(20, 22, { companions, paused: true })).toMatchObject({ first: 22 });
  expect(skipped.at(-1)).toBe(1);
});
