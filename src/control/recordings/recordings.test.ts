import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { epochMs } from '../../media/units.ts';
import { MAX_KEEP_SPANS, type SourceReport } from '../../wire/link-messages.ts';
import { type Ground, openGround } from './ground-for-test.ts';
import type { RecordingChange, Recordings } from './recordings.ts';

const SOURCE = 'camera-0';
const EDGE = 'edge-1';
const DAY_MS = 86_400_000;

let ground: Ground;
let recordings: Recordings;
let changes: RecordingChange[];
beforeEach(async () => {
  ground = await openGround();
  recordings = await ground.openRecordings();
  changes = [];
  recordings.follow((_, change) => void changes.push(change));
});
afterEach(() => ground[Symbol.asyncDispose]());

/** A moment, in seconds after the test began. */
const at = (seconds: number) => epochMs(ground.start + seconds * 1_000);
const span = (from: number, until?: number) => ({
  from: at(from),
  ...(until !== undefined && { until: at(until) }),
});
const start = (from: number, until?: number, edge = EDGE) =>
  recordings.start(SOURCE, edge, span(from, until), '');
const wait = (seconds: number) => ground.clock.pass(seconds * 1_000);
const report = (
  settledUntil: number,
  { reach = 0, spool = 'spool-1', edge = EDGE, isInStep = (): boolean => true } = {},
) =>
  recordings.reported(
    edge,
    spool,
    { name: SOURCE, settledUntil: at(settledUntil), reach: Number(reach) } as unknown as SourceReport,
    isInStep,
  );

describe('starting and stopping', () => {
  test('what was started is there after a restart of control, to the last field', async () => {
    await start(0);
    wait(1);
    await start(-30, 10);
    await report(5);
    const again = await ground.openRecordings();
    expect(again.all).toEqual(recordings.all);
    expect(again.wanted(SOURCE, EDGE)).toEqual([{ from: at(-30) }]);
    expect(again.hasSource(SOURCE)).toBe(true);
  });

  test('one that is stopped ends at that moment; stopping it again changes nothing', async () => {
    const { id } = await start(0);
    wait(10);
    expect((await recordings.stop(id)).until).toBe(at(10));
    wait(10);
    expect((await recordings.stop(id)).until).toBe(at(10));
    expect(recordings.wanted(SOURCE, EDGE)).toEqual([span(0, 10)]);
    expect(changes).toEqual(['started', 'changed']);
  });

  test('one that was to end later ends when it is stopped; one that was to end before stays', async () => {
    const later = await start(0, 60);
    const sooner = await start(0, 5);
    wait(10);
    expect((await recordings.stop(later.id)).until).toBe(at(10));
    expect((await recordings.stop(sooner.id)).until).toBe(at(5));
  });

  test('one that is stopped before it began is over at once and has nothing', async () => {
    const { id } = await start(60);
    const stopped = await recordings.stop(id);
    expect(stopped).toMatchObject({ from: at(60), until: at(60), ended: 'settled' });
    expect(recordings.wanted(SOURCE, EDGE)).toEqual([]);
  });

  test('one that is deleted is gone, also after a restart, and nothing is wanted for it', async () => {
    const { id } = await start(0);
    await recordings.delete(id);
    expect(recordings.find(id)).toBeUndefined();
    expect(recordings.wanted(SOURCE, EDGE)).toEqual([]);
    await expect(recordings.delete(id)).rejects.toMatchObject({ code: 'recording_unknown' });
    await expect(recordings.stop(id)).rejects.toMatchObject({ code: 'recording_unknown' });
    expect((await ground.openRecordings()).all).toEqual([]);
    expect(changes).toEqual(['started', 'deleted']);
  });

  test('all of a source can be stopped at once', async () => {
    await start(0);
    await start(-30, 300);
    await start(60);
    wait(10);
    await recordings.stopAllOf(SOURCE);
    expect(recordings.wanted(SOURCE, EDGE)).toEqual([span(-30, 10)]);
  });

  test('each edge keeps what was asked of it', async () => {
    await start(0, 10);
    await start(100, 110);
    await start(20, 30, 'edge-2');
    expect(recordings.wanted(SOURCE, EDGE)).toEqual([span(0, 10), span(100, 110)]);
    expect(recordings.wanted(SOURCE, 'edge-2')).toEqual([span(20, 30)]);
    expect(recordings.sourcesOf('edge-2')).toEqual([SOURCE]);
  });
});

describe('what an edge can be told', () => {
  test('more spans than it takes are refused', async () => {
    for (let index = 0; index < MAX_KEEP_SPANS; index++) await start(index * 100, index * 100 + 10);
    await expect(start(5_000, 5_010)).rejects.toMatchObject({ code: 'too_many_recordings' });
    // One that overlaps is no further span.
    await start(5, 12);
  });

  test('stopping a long one never leaves more spans than an edge takes: it would hear nothing any more', async () => {
    const long = await start(0);
    for (let index = 1; index <= 20; index++) await start(index * 100, index * 100 + 10 + index);
    await recordings.stop(long.id);
    expect(recordings.wanted(SOURCE, EDGE)).toHaveLength(20);
    const kept = recordings.toKeep(SOURCE, EDGE);
    expect(kept).toHaveLength(MAX_KEEP_SPANS);
    // Those that lie closest together are one.
    expect(kept.slice(-2)).toEqual([span(1_500, 1_525), span(1_600, 2_030)]);
    expect(kept[0]).toEqual(span(100, 111));
  });
});

describe('what an edge reports', () => {
  test('it goes on as it is settled, and ends exactly when all of it is', async () => {
    const { id } = await start(0, 10);
    await report(4);
    expect(recordings.get(id)).toMatchObject({ settledUntil: at(4), ended: undefined });
    await report(9.999);
    expect(recordings.get(id).ended).toBeUndefined();
    wait(12);
    await report(11);
    expect(recordings.get(id)).toMatchObject({ settledUntil: at(10), ended: 'settled', endedAt: at(12) });
    expect(recordings.wanted(SOURCE, EDGE)).toEqual([]);
    expect(changes).toEqual(['started', 'progressed', 'progressed', 'progressed', 'ended']);
  });

  test('what was settled stays so, whatever an edge says later', async () => {
    const { id } = await start(0);
    await report(8);
    await report(2);
    expect(recordings.get(id).settledUntil).toBe(at(8));
    expect(changes).toEqual(['started', 'progressed']);
  });

  test('one that is stopped behind what is settled ends at once', async () => {
    const { id } = await start(0);
    await report(20);
    wait(10);
    expect(await recordings.stop(id)).toMatchObject({ until: at(10), ended: 'settled' });
  });

  test('another edge has no say', async () => {
    const { id } = await start(0, 10);
    await report(11, { edge: 'edge-2' });
    expect(recordings.get(id)).toMatchObject({ settledUntil: at(0), spool: '' });
  });

  test('what the edge said before it knew of a recording does not end it', async () => {
    let inStep = true;
    const beginning = start(-30, -10);
    // It came while the recording was being written, from an edge that was in step until then.
    const stale = report(0, { isInStep: () => inStep });
    recordings.follow(() => {
      inStep = false;
    });
    const { id } = await beginning;
    await stale;
    expect(recordings.get(id)).toMatchObject({ settledUntil: at(-30), ended: undefined });
  });

  test('what lies before its reach is beyond the spool', async () => {
    const { id } = await start(-60);
    await report(0, { reach: at(-20) });
    expect(recordings.get(id)).toMatchObject({ lostBefore: at(-20), lostReason: 'beyond_spool' });
    // Reach is asked once: what it lets go later has been stored.
    await report(5, { reach: at(-1) });
    expect(recordings.get(id).lostBefore).toBe(at(-20));
  });

  test('another spool has lost what was not delivered until now', async () => {
    const { id } = await start(0);
    await report(4);
    wait(30);
    await report(4, { spool: 'spool-2' });
    expect(recordings.get(id)).toMatchObject({
      spool: 'spool-2',
      lostBefore: at(30),
      lostReason: 'spool_lost',
    });
    expect(ground.told).toContain('spoolLost');
  });

  test('another spool loses nothing of what was to begin later', async () => {
    const { id } = await start(60);
    await report(0);
    wait(10);
    await report(0, { spool: 'spool-2' });
    expect(recordings.get(id).lostBefore).toBeLessThanOrEqual(at(60));
  });
});

describe('giving up', () => {
  test('a recording whose edge did not come back for seven days is incomplete; one that goes on is waited for', async () => {
    const over = await start(0, 10);
    const open = await start(0);
    ground.clock.pass(7 * DAY_MS);
    await recordings.giveUp();
    expect(recordings.get(over.id).ended).toBeUndefined();
    ground.clock.pass(10_001);
    await recordings.giveUp();
    expect(recordings.get(over.id).ended).toBe('edge_lost');
    expect(recordings.get(open.id).ended).toBeUndefined();
  });

  test('an edge that delivers is waited for, however late it came back and however long it takes', async () => {
    const { id } = await start(0, 10);
    ground.clock.pass(6 * DAY_MS);
    await report(1);
    ground.clock.pass(6 * DAY_MS);
    await report(2);
    ground.clock.pass(7 * DAY_MS - 1);
    await report(2);
    await recordings.giveUp();
    expect(recordings.get(id).ended).toBeUndefined();
    ground.clock.pass(1);
    await recordings.giveUp();
    expect(recordings.get(id).ended).toBe('edge_lost');
  });

  test('a control node that was away for longer than that gives edges ten minutes to come back', async () => {
    const { id } = await start(0, 10);
    ground.clock.pass(9 * DAY_MS);
    recordings = await ground.openRecordings();
    ground.clock.pass(599_999);
    await recordings.giveUp();
    expect(recordings.get(id).ended).toBeUndefined();
    await report(5);
    ground.clock.pass(1);
    await recordings.giveUp();
    expect(recordings.get(id).ended).toBeUndefined();
    await report(10);
    expect(recordings.get(id).ended).toBe('settled');
  });
});

describe('trouble', () => {
  test('what the catalog did not take did not happen', async () => {
    const { id } = await start(0);
    const before = recordings.get(id);
    await ground.catalog.close();
    await expect(recordings.stop(id)).rejects.toThrow('closed');
    await expect(report(5)).rejects.toThrow('closed');
    await expect(recordings.delete(id)).rejects.toThrow('closed');
    await expect(start(0)).rejects.toThrow('closed');
    expect(recordings.all).toEqual([before]);
  });

  test('a thousand changes at once all happen; more than may wait are refused, not forgotten', async () => {
    const begun = await Promise.allSettled(Array.from({ length: 1_100 }, () => start(0)));
    const refused = begun.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    expect(refused).toHaveLength(99);
    expect(refused[0]!.reason).toMatchObject({ code: 'busy', retryAfter: 1 });
    expect(recordings.all).toHaveLength(1_001);
  });
});
