import { expect, test } from 'vitest';
import { bytes } from '../../media/units.ts';
import { FakeClock } from '../../runtime/fake-clock-for-test.ts';
import { Line } from './line.ts';

const later = () => new Promise((resolve) => setImmediate(resolve));
const never = new AbortController().signal;

/** Notes whether a promise has settled. */
function watch(promise: Promise<unknown>) {
  const watched = { done: false };
  void promise.then(() => {
    watched.done = true;
  });
  return watched;
}

function open(rate?: number) {
  const clock = new FakeClock();
  return { clock, line: new Line(clock, rate === undefined ? undefined : bytes(rate)) };
}

/** Something of live that is being sent until it is told to end. */
function sending(line: Line, size = 0) {
  let end: (error?: Error) => void = () => undefined;
  const sent = line.live(
    size,
    () =>
      new Promise<void>((resolve, reject) => {
        end = (error) => (error === undefined ? resolve() : reject(error));
      }),
  );
  return { sent, end: (error?: Error) => end(error) };
}

test('a recording waits while anything of live is being sent, and goes as soon as nothing is', async () => {
  const { line } = open();
  const one = sending(line);
  const other = sending(line);
  const recordings = [watch(line.free(never)), watch(line.free(never))];
  one.end();
  await later();
  expect(recordings.map(({ done }) => done)).toEqual([false, false]);
  other.end();
  await later();
  expect(recordings.map(({ done }) => done)).toEqual([true, true]);
  await line.free(never);
});

test('live that fails holds nobody up', async () => {
  const { line } = open();
  const live = sending(line);
  const recording = watch(line.free(never));
  live.end(new Error('the line is dead'));
  await expect(live.sent).rejects.toThrow('dead');
  await later();
  expect(recording.done).toBe(true);
});

test('an edge that ends does not wait for live', async () => {
  const { line } = open();
  sending(line);
  const ending = new AbortController();
  const recording = watch(line.free(ending.signal));
  ending.abort();
  await later();
  expect(recording.done).toBe(true);
});

test('without a rate nothing is slowed down', () => {
  expect(open().line.throttle(never)).toBeUndefined();
});

/** Puts chunks through the line; how many have come out. */
function through(line: Line, sizes: readonly number[], signal = never) {
  const throttle = line.throttle(signal)!;
  const out: number[] = [];
  throttle.on('data', (chunk: Buffer) => void out.push(chunk.length));
  for (const size of sizes) throttle.write(Buffer.alloc(size));
  return out;
}

test('recordings keep within the rate: each byte waits until those before it have had their time', async () => {
  const { clock, line } = open(1_000);
  const out = through(line, [1_000, 500, 500]);
  await later();
  clock.pass(0);
  await later();
  expect(out).toEqual([1_000]);
  clock.pass(999);
  await later();
  expect(out).toEqual([1_000]);
  clock.pass(1);
  await later();
  expect(out).toEqual([1_000, 500]);
  clock.pass(500);
  await later();
  expect(out).toEqual([1_000, 500, 500]);
});

test('two recordings share the rate, and what live sends counts, too, but does not wait', async () => {
  const { clock, line } = open(1_000);
  await line.live(2_000, async () => undefined);
  const one = through(line, [1_000]);
  const other = through(line, [1_000]);
  const come = async (time: number) => {
    clock.pass(time);
    await later();
    return [one, other].flat();
  };
  await later();
  expect(await come(1_999)).toEqual([]);
  expect(await come(1)).toEqual([1_000]);
  expect(await come(999)).toEqual([1_000]);
  expect(await come(1)).toEqual([1_000, 1_000]);
  // Live goes at once, however long recordings wait.
  expect(await line.live(5_000, async () => 'sent')).toBe('sent');
});

test('a line that was idle does not make up for it', async () => {
  const { clock, line } = open(1_000);
  clock.pass(60_000);
  const out = through(line, [1_000, 1_000]);
  clock.pass(0);
  await later();
  expect(out).toEqual([1_000]);
});

test('an edge that ends lets go of what waits for the rate', async () => {
  const { line } = open(1);
  const ending = new AbortController();
  const out = through(line, [1_000, 1_000], ending.signal);
  await later();
  ending.abort();
  await later();
  expect(out).toEqual([1_000, 1_000]);
});
