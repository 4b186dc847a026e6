import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Catalog, CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import type { Span } from '../../media/span.ts';
import { epochMs } from '../../media/units.ts';
import { type Ground, openGround, realRecord, rowOf } from './ground-for-test.ts';
import { RecordedSegments } from './recorded-segments.ts';
import type { Recordings } from './recordings.ts';

let ground: Ground;
let recordings: Recordings;
/** Reads of the catalog that wait for `go`. */
let reads: (() => void)[];
let mostAtOnce: number;
let isHeld: boolean;
let recorded: RecordedSegments;
beforeEach(async () => {
  ground = await openGround();
  recordings = await ground.openRecordings();
  reads = [];
  mostAtOnce = 0;
  isHeld = false;
  const segments = async (source: string, span: Span) => {
    const read = ground.catalog.segments(source, span);
    if (!isHeld) return read;
    await new Promise<void>((go) => {
      reads.push(go);
      mostAtOnce = Math.max(mostAtOnce, reads.length);
    });
    return read;
  };
  recorded = new RecordedSegments({ segments } as Catalog);
});
afterEach(() => ground[Symbol.asyncDispose]());

const at = (seconds: number) => epochMs(ground.start + seconds * 1_000);
const start = (from: number, until?: number) =>
  recordings.start(
    'camera-0',
    'edge-1',
    { from: at(from), ...(until !== undefined && { until: at(until) }) },
    '',
  );
const row = (sequence: number, change: Parameters<typeof realRecord>[2] = {}) =>
  rowOf(realRecord(ground.start, sequence, change));
/** Stored, and told of. */
const add = async (...rows: readonly CatalogSegment[]) => {
  await ground.catalog.addSegments(rows);
  recorded.added(rows, [...new Set(rows.flatMap((one) => recordings.having(one)))]);
};
const numbers = async (recording: CatalogRecording) =>
  (await recorded.of(recording)).map(({ record }) => record.sequence);
const later = () => new Promise((resolve) => setImmediate(resolve));

test('what is stored while somebody watches is there, without reading all of it again', async () => {
  const recording = await start(0);
  await add(row(0), row(2));
  expect(await numbers(recording)).toEqual([0, 2]);
  isHeld = true;
  await add(row(3));
  await add(row(1));
  expect(await numbers(recording)).toEqual([0, 1, 2, 3]);
});

test('a gap that heals is media from then on, and what it adds up to is counted anew', async () => {
  const recording = await start(0, 4);
  await add(row(0), row(1, { gap: 'spool_full' }));
  expect(await recorded.content({ ...recording, settledUntil: at(4) })).toMatchObject({
    segments: 1,
    gaps: [{ reason: 'spool_full' }],
  });
  await add(row(1));
  const healed = await recorded.content({ ...recording, settledUntil: at(4) });
  expect(healed).toMatchObject({ segments: 2, bytes: 376, durationSeconds: 4, gaps: [] });
});

test('each recording has what its own span covers', async () => {
  const one = await start(0, 4);
  const other = await start(3, 9);
  expect(await numbers(one)).toEqual([]);
  expect(await numbers(other)).toEqual([]);
  await add(row(0), row(1), row(2), row(9));
  expect(await numbers(one)).toEqual([0, 1]);
  expect(await numbers(other)).toEqual([1, 2]);
});

test('a recording that grows faster than it can be read is shown all the same, with all that came', async () => {
  const recording = await start(0);
  await add(row(0));
  isHeld = true;
  const asked = numbers(recording);
  await later();
  await add(row(1, { gap: 'spool_full' }));
  await add(row(2));
  await add(row(1));
  expect(reads).toHaveLength(1);
  reads[0]!();
  expect(await asked).toEqual([0, 1, 2]);
  expect((await recorded.of(recording))[1]!.record.gap).toBeUndefined();
});

test('a recording that is stopped while it is read does not show what lies behind its end', async () => {
  const recording = await start(0);
  await start(0);
  await add(row(0), row(5));
  isHeld = true;
  const asked = numbers(recording);
  await later();
  ground.clock.pass(4_000);
  const stopped = await recordings.stop(recording.id);
  recorded.forget(recording.id);
  reads[0]!();
  expect(await asked).toEqual([0, 5]);
  isHeld = false;
  expect(await numbers(stopped)).toEqual([0]);
});

test('whoever lists a thousand recordings leaves the catalog to others meanwhile', async () => {
  const all = await Promise.all(Array.from({ length: 100 }, () => start(0)));
  isHeld = true;
  const listed = Promise.all(all.map((recording) => recorded.content(recording)));
  for (let done = 0; done < all.length; ) {
    await later();
    for (const go of reads.splice(0)) {
      go();
      done += 1;
    }
  }
  expect(await listed).toHaveLength(100);
  expect(mostAtOnce).toBeLessThanOrEqual(4);
});

test('two who ask at once read the catalog once', async () => {
  const recording = await start(0);
  isHeld = true;
  const asked = [numbers(recording), numbers(recording)];
  await later();
  expect(reads).toHaveLength(1);
  reads[0]!();
  expect(await Promise.all(asked)).toEqual([[], []]);
});
