import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { recordForTest } from '../media/record-for-test.ts';
import type { SegmentRecord } from '../media/segment-record.ts';
import { epochMs, seconds } from '../media/units.ts';
import { Rendition } from './rendition.ts';
import { type RunEntry, Runs } from './runs.ts';
import { Keep } from './spool/keep.ts';
import { Ledger } from './spool/ledger.ts';

const FIRST = 1_000;
let folder: string;
let ledger: Ledger;
let renditions: Map<string, Rendition>;
let runs: Runs;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'livemix-runs-'));
  renditions = new Map();
  await open();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function open(newest?: SegmentRecord): Promise<void> {
  ledger = await Ledger.open(join(folder, 'camera.json'), 'boot', newest, epochMs(FIRST * 1_000));
  runs = new Runs(ledger, { [Symbol.iterator]: () => renditions.values() });
}

function rendition(name: string): Rendition {
  let known = renditions.get(name);
  if (known === undefined) {
    const place = { source: 'camera', rendition: name };
    known = new Rendition(place, seconds(600), new Keep([], epochMs(0)));
    renditions.set(name, known);
  }
  return known;
}

/** The edge is started anew, orderly. */
async function restart(): Promise<void> {
  await ledger.close();
  const before = [...renditions];
  renditions = new Map();
  for (const [name, { window }] of before) rendition(name).restore([...window.records]);
  const newest = before.flatMap(([, { window }]) => window.newest ?? []);
  newest.sort((a, b) => a.sequence - b.sequence);
  await open(newest.at(-1));
  runs.restore();
}

type At = Pick<SegmentRecord, 'sequence' | 'discontinuity' | 'discontinuitySequence'>;
type Of = { readonly tag?: boolean; readonly at?: number };

/** A segment that its encoder calls so, as it is taken in. */
async function take(
  name: string,
  encoder: number,
  entry: Omit<Partial<RunEntry>, 'at'> & Of = {},
): Promise<At> {
  const into = rendition(name);
  const sequence = into.numberOf(encoder);
  const { discontinuity, discontinuitySequence } =
    entry.discontinuitySequence === undefined
      ? runs.goOn(into, sequence, entry.tag ?? false)
      : (entry as Omit<RunEntry, 'at'>);
  await ledger.claim(name, sequence, discontinuitySequence);
  const record = recordForTest(sequence, {
    discontinuity: discontinuity!,
    discontinuitySequence,
    ...(entry.at !== undefined && { at: epochMs(entry.at) }),
    encoder: { ...recordForTest(sequence).encoder, sequence: encoder },
  });
  into.push(record);
  return { sequence, discontinuity: discontinuity!, discontinuitySequence };
}

/** Its encoder begins, with a playlist that lists so many. */
async function begin(name: string, encoder: number, listed = 1, of: Of = {}): Promise<At> {
  const entry = runs.enter(rendition(name), encoder, listed);
  rendition(name).openRun(entry.sequence, encoder, entry.ordinal);
  return take(name, encoder, { ...entry, ...of });
}

const numbered = (sequence: number, discontinuitySequence = 0, discontinuity = false): At => ({
  sequence,
  discontinuity,
  discontinuitySequence,
});

describe('an encoder of several renditions', () => {
  test('begins in all of them at one number, and nothing stands before that', async () => {
    expect(await begin('high', 0)).toEqual(numbered(FIRST));
    expect(await begin('low', 0)).toEqual(numbered(FIRST));
    expect([await take('high', 1), await take('low', 1)]).toEqual([numbered(FIRST + 1), numbered(FIRST + 1)]);
  });

  test('is restarted: one run and one discontinuity in all of them, whichever comes first', async () => {
    for (const name of ['high', 'low']) await begin(name, 0);
    for (const name of ['high', 'low']) await take(name, 1);
    expect(await begin('low', 0)).toEqual(numbered(FIRST + 2, 1, true));
    expect(await take('low', 1)).toEqual(numbered(FIRST + 3, 1));
    expect(await begin('high', 0)).toEqual(numbered(FIRST + 2, 1, true));
    expect(await take('high', 1)).toEqual(numbered(FIRST + 3, 1));
  });

  test('is restarted, and one of them lacks its first segment: the second is where the others have theirs', async () => {
    for (const name of ['high', 'low']) await begin(name, 0);
    await begin('high', 0);
    await take('high', 1);
    expect(await begin('low', 1)).toEqual(numbered(FIRST + 2, 1, true));
  });

  test('makes a rendition later: it joins in step, with the discontinuities that were', async () => {
    await begin('high', 7);
    await take('high', 8, { tag: true });
    await take('high', 9);
    await take('high', 10, { tag: true });
    expect(await begin('late', 9)).toEqual(numbered(FIRST + 2, 1, false));
    expect(await take('late', 10, { tag: true })).toEqual(numbered(FIRST + 3, 2, true));
  });

  test('makes a rendition later that is one segment ahead', async () => {
    await begin('high', 0);
    expect(await begin('late', 1)).toEqual(numbered(FIRST + 1));
    expect(await take('high', 1)).toEqual(numbered(FIRST + 1));
  });
});

describe('a rendition that counts in its own way', () => {
  test('gets the newest number of the others for its newest segment', async () => {
    await begin('high', 0);
    for (const encoder of [1, 2, 3]) await take('high', encoder);
    expect(await begin('text', 50_000, 2)).toEqual(numbered(FIRST + 2));
    expect(await take('text', 50_001)).toEqual(numbered(FIRST + 3));
  });

  test('never goes back over numbers of the run or of its own', async () => {
    await begin('high', 0);
    expect(await begin('text', 90_000, 40)).toEqual(numbered(FIRST));
    for (let encoder = 90_001; encoder < 90_030; encoder++) await take('text', encoder);
    await begin('high', 0);
    const entry = await begin('text', 90_500, 40);
    expect(entry).toMatchObject({ discontinuity: true, discontinuitySequence: 1 });
    expect(entry.sequence).toBeGreaterThanOrEqual(rendition('high').window.newest!.sequence);
  });

  test('is restarted with the others after the edge was: its tags are counted as theirs', async () => {
    await begin('high', 0);
    await take('high', 1);
    await begin('text', 50_000, 1);
    await take('text', 50_001);
    await restart();
    const opened = await begin('high', 0);
    expect(opened).toMatchObject({ discontinuity: true, discontinuitySequence: 1 });
    expect(await begin('text', 0)).toEqual(opened);
  });
});

describe('one rendition that begins anew alone', () => {
  test('gives those that go on beside it the same discontinuity, once', async () => {
    for (const name of ['high', 'low']) await begin(name, 0, 1, { at: 0 });
    for (const name of ['high', 'low']) await take(name, 1, { at: 2_000 });
    expect(await begin('low', 0, 1, { at: 4_000 })).toEqual(numbered(FIRST + 2, 1, true));
    expect(await take('high', 2, { at: 4_000 })).toEqual(numbered(FIRST + 2, 1, true));
    expect(await take('high', 3)).toEqual(numbered(FIRST + 3, 1));
    expect(await take('low', 1)).toEqual(numbered(FIRST + 3, 1));
    // The encoder of both is restarted then.
    expect(await begin('high', 0)).toEqual(numbered(FIRST + 4, 2, true));
    expect(await begin('low', 0)).toMatchObject({ sequence: FIRST + 4, discontinuitySequence: 2 });
  });

  test('is not followed by what another one made before and sends late', async () => {
    for (const name of ['high', 'low']) await begin(name, 0, 1, { at: 0 });
    await take('low', 1, { at: 2_000 });
    expect(await begin('low', 0, 1, { at: 9_000 })).toEqual(numbered(FIRST + 2, 1, true));
    expect(await take('high', 1, { at: 2_000 })).toEqual(numbered(FIRST + 1));
    expect(await take('high', 2, { at: 4_000 })).toEqual(numbered(FIRST + 2));
    expect(await begin('high', 0)).toMatchObject({ discontinuity: true, discontinuitySequence: 1 });
  });
});

test('a tag that one rendition lost with its segment is made up for', async () => {
  for (const name of ['high', 'low']) await begin(name, 0);
  await take('high', 1, { tag: true });
  await take('high', 2);
  expect(await take('low', 1)).toEqual(numbered(FIRST + 1, 1, true));
  expect(await take('low', 2)).toEqual(numbered(FIRST + 2, 1));
});

describe('after a restart of the edge', () => {
  test('runs go on, and the next restart opens one for all', async () => {
    for (const name of ['high', 'low']) await begin(name, 0);
    await take('high', 1);
    await restart();
    expect(runs.goesOn(rendition('low'))).toBe(true);
    expect(await take('low', 1)).toEqual(numbered(FIRST + 1));
    for (const name of ['high', 'low']) expect(await begin(name, 0)).toEqual(numbered(FIRST + 2, 1, true));
  });

  test('a rendition that is heard of for the first time counts as the others do', async () => {
    await begin('high', 100);
    for (let encoder = 101; encoder < 110; encoder++) await take('high', encoder);
    await restart();
    expect(await begin('late', 105)).toEqual(numbered(FIRST + 5));
  });

  test('one that was left behind in an earlier run joins the newest when it begins anew', async () => {
    for (const name of ['high', 'low']) await begin(name, 0);
    await begin('high', 0);
    await take('high', 1);
    await restart();
    expect(await begin('low', 1)).toEqual(numbered(FIRST + 2, 1, true));
  });

  test('numbers that jumped end every run', async () => {
    for (const name of ['high', 'low']) await begin(name, 0);
    await ledger.raiseFloor({ sequence: FIRST + 5_000, discontinuity: 3 });
    expect([...renditions.values()].map((each) => runs.goesOn(each))).toEqual([false, false]);
    const opened = await begin('high', 1);
    expect(opened.sequence).toBeGreaterThan(FIRST + 5_000);
    expect(opened).toMatchObject({ discontinuity: true });
    expect(await begin('low', 1)).toEqual(opened);
    expect([...renditions.values()].map((each) => runs.goesOn(each))).toEqual([true, true]);
  });
});
