import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { segmentFileName } from '../../media/carried.ts';
import type { SegmentRecord } from '../../media/segment-record.ts';
import { bytes, epochMs, millis, seconds } from '../../media/units.ts';
import { FakeClock } from '../../runtime/fake-clock-for-test.ts';
import { Channel } from './channel.ts';

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

const contentOf = (sequence: number) => Buffer.alloc(188, sequence);
const never = new AbortController().signal;
const HOLD = millis(9_000);

/** A channel with what a test does to it. */
function start(minSegments = 3) {
  const clock = new FakeClock();
  const channel = new Channel('camera-0', 'main', minSegments, clock, () => undefined);
  return {
    clock,
    channel,
    announce: (first: number, end: number, of: Partial<SegmentRecord> = {}) =>
      channel.announce(range(first, end).map((sequence) => record(sequence, of))).map((one) => one.sequence),
    accept: (...sequences: number[]) => {
      for (const sequence of sequences) channel.accept(channel.find(sequence)!, contentOf(sequence));
    },
    listed: () => channel.list.map(({ sequence }) => sequence),
    text: () => channel.rendered?.text.toString(),
    there: (sequence: number) =>
      channel.segment(sequence, segmentFileName(record(sequence)))?.equals(contentOf(sequence)) ?? false,
  };
}

/** Whether a promise has settled, after all that can go on without time passing. */
async function settled<T>(promise: Promise<T>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return done;
}

test('what lacks its bytes is asked for, once they are here no more', () => {
  const { announce, accept } = start();
  expect(announce(0, 4)).toEqual([0, 1, 2, 3]);
  accept(1);
  expect(announce(0, 4)).toEqual([0, 2, 3]);
});

test('segments that arrive in any order are listed in theirs, none before all that precede it (A1)', () => {
  const { announce, accept, listed } = start();
  announce(0, 4);
  accept(0, 1, 2, 3);
  announce(4, 8);
  for (const sequence of [7, 5, 6]) {
    accept(sequence);
    expect(listed()).toEqual([0, 1, 2, 3]);
  }
  accept(4);
  expect(listed().at(-1)).toBe(7);
  expect(listed()).toEqual(range(listed()[0]!, 8));
});

test('a gap is listed without bytes and never asked for', () => {
  const { channel, accept, listed, text } = start();
  const gap = record(1, { gap: 'missing_at_source', digest: '', bytes: bytes(0) });
  const lacking = channel.announce([record(0), gap, record(2), record(3)]);
  expect(lacking.map(({ sequence }) => sequence)).toEqual([0, 2, 3]);
  accept(0, 2, 3);
  expect(listed()).toEqual([0, 1, 2, 3]);
  expect(text()).toContain('#EXT-X-GAP');
});

test('the same bytes twice are held once', () => {
  const { channel, announce, accept } = start();
  announce(0, 1);
  accept(0, 0);
  expect(channel.bytes).toBe(188);
});

test('a segment is found by its whole name only', () => {
  const { channel, announce, accept, there } = start();
  announce(0, 2);
  accept(0, 1);
  expect(there(0)).toBe(true);
  expect(channel.segment(0, segmentFileName(record(1)))).toBeUndefined();
  expect(channel.segment(0, segmentFileName(record(0)).replace('.ts', '.m4s'))).toBeUndefined();
});

test('a new stretch takes the place of what was announced and not listed', () => {
  const { channel, announce, accept, listed, text } = start();
  announce(0, 4);
  accept(0, 1, 2, 3);
  announce(4, 8);
  accept(6);
  expect(announce(6, 9, { listFrom: 6, discontinuitySequence: 1 })).toEqual([7, 8]);
  expect(channel.find(6)).toMatchObject({ listFrom: 6, discontinuitySequence: 1 });
  accept(7);
  expect(listed()).toEqual([0, 1, 2, 3]);
  accept(8);
  expect(listed()).toEqual([6, 7, 8]);
  expect(text()).toContain('#EXT-X-MEDIA-SEQUENCE:6\n');
  // The older announcement comes late.
  expect(announce(4, 10)).not.toContain(9);
  expect(listed()).toEqual([6, 7, 8]);
});

test('what is listed never changes, whatever is announced of it', () => {
  const { announce, accept, text } = start();
  announce(0, 4);
  accept(0, 1, 2, 3);
  const before = text();
  announce(0, 4, { duration: seconds(2), listFrom: 2, discontinuity: true });
  expect(text()).toBe(before);
});

test('a first list waits for three target durations', async () => {
  const { channel, clock, announce, accept } = start();
  const first = channel.firstList(HOLD, never);
  announce(0, 1);
  accept(0);
  clock.pass(2_000);
  announce(1, 2);
  accept(1);
  expect(await settled(first)).toBe(false);
  announce(2, 3);
  accept(2);
  expect((await first)?.text.toString()).toContain('#EXT-X-MEDIA-SEQUENCE:0\n');
});

test('a first list waits no longer than it may, then it shows what there is', async () => {
  const { channel, clock, announce, accept, listed } = start();
  const first = channel.firstList(HOLD, never);
  announce(0, 1);
  accept(0);
  clock.pass(8_999);
  expect(await settled(first)).toBe(false);
  clock.pass(1);
  expect(await first).toBeDefined();
  expect(listed()).toEqual([0]);
});

test('where nothing came there is no list, and nobody who went away is waited for', async () => {
  const { channel, clock } = start();
  const first = channel.firstList(HOLD, never);
  const gone = new AbortController();
  const second = channel.firstList(HOLD, gone.signal);
  gone.abort();
  expect(await second).toBeUndefined();
  expect(await settled(first)).toBe(false);
  clock.pass(9_000);
  expect(await first).toBeUndefined();
});

test('all who wait get the list at the same moment', async () => {
  const { channel, announce, accept } = start();
  const waiting = [1, 2, 3].map(() => channel.firstList(HOLD, never));
  announce(0, 3);
  accept(0, 1, 2);
  const lists = await Promise.all(waiting);
  expect(lists[0]).toBeDefined();
  expect(new Set(lists).size).toBe(1);
});

test('who waits is woken when the channel is dropped', async () => {
  const { channel, announce, accept } = start();
  announce(0, 1);
  accept(0);
  const first = channel.firstList(HOLD, never);
  channel.drop();
  expect(await settled(first)).toBe(true);
  expect(await first).toBeUndefined();
});

test('after a drop the first list waits anew for three target durations', async () => {
  const { channel, announce, accept, listed } = start();
  const before = channel.firstList(HOLD, never);
  announce(0, 1);
  accept(0);
  channel.drop();
  await before;
  announce(10, 11, { listFrom: 10 });
  accept(10);
  expect(listed()).toEqual([]);
});

test('a dropped list is gone at once; its segments stay as long as a player may want them (A2)', () => {
  const { channel, clock, announce, accept, listed, there } = start();
  announce(0, 4);
  accept(0, 1, 2, 3);
  channel.drop();
  expect([channel.rendered, listed()]).toEqual([undefined, []]);
  clock.pass(4_999);
  channel.sweep();
  expect(range(0, 4).map(there)).toEqual(Array(4).fill(true));
  clock.pass(2);
  channel.sweep();
  expect(range(0, 4).map(there)).toEqual(Array(4).fill(false));
  expect(channel.bytes).toBe(0);
});

test('a segment goes its own duration and that of the longest list it was in after it left (A2)', () => {
  const { channel, clock, announce, accept, listed, there } = start();
  const leftAt = new Map<number, number>();
  const longest = new Map<number, number>();
  for (let second = 0; second < 30; second++) {
    announce(second, second + 1);
    const before = listed();
    accept(second);
    for (const sequence of listed())
      longest.set(sequence, Math.max(longest.get(sequence) ?? 0, listed().length * 1000));
    for (const sequence of before) if (!listed().includes(sequence)) leftAt.set(sequence, clock.monotonic());
    clock.pass(999);
    channel.sweep();
    for (const [sequence, at] of leftAt) {
      const until = at + 1000 + longest.get(sequence)!;
      expect([sequence, second, there(sequence)]).toEqual([sequence, second, clock.monotonic() < until]);
    }
    clock.pass(1);
  }
  expect(leftAt.size).toBeGreaterThan(20);
  // It holds the list and what A2 asks for, nothing more.
  expect(channel.bytes).toBeLessThanOrEqual((3 + 5) * 188);
});

test('a restarted channel shows nothing before all that was announced first is there', () => {
  const { announce, accept, listed } = start();
  announce(0, 6);
  for (const sequence of [0, 1, 2, 5, 3]) {
    accept(sequence);
    expect(listed()).toEqual([]);
  }
  announce(6, 7);
  accept(4);
  expect(listed().at(-1)).toBe(5);
  accept(6);
  expect(listed().at(-1)).toBe(6);
});
