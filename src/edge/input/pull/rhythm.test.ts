import { expect, test } from 'vitest';
import { millis } from '../../../media/units.ts';
import { FakeClock } from '../../../runtime/fake-clock-for-test.ts';
import { keepPolling } from './keep-polling.ts';
import { type Polled, Rhythm } from './rhythm.ts';

const changed = (targetDuration: number, ended = false): Polled => ({
  kind: 'changed',
  targetDuration,
  ended,
});
const unchanged: Polled = { kind: 'unchanged' };
const failed: Polled = { kind: 'failed' };

/** When the polls begin that a server answers so, in seconds; each answer takes `took` seconds. */
async function pollsOf(answers: readonly Polled[], random = () => 1, took = 0): Promise<number[]> {
  const clock = new FakeClock();
  const ending = new AbortController();
  const begun: number[] = [];
  const poll = async () => {
    begun.push(clock.monotonic() / 1000);
    if (took > 0) await clock.sleep(millis(took * 1000));
    const answer = answers[begun.length - 1];
    if (answer === undefined) ending.abort();
    return answer ?? unchanged;
  };
  const polling = keepPolling(poll, { clock, random }, ending.signal);
  for (let step = 0; step < 100_000 && !ending.signal.aborted; step++) {
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    clock.pass(50);
  }
  await polling;
  return begun.map((at) => Math.round(at * 10) / 10);
}

test('a list that has changed is asked for again a target duration later, one that has not half of it later', async () => {
  expect(
    await pollsOf([changed(4), changed(4), unchanged, unchanged, changed(4), changed(6), unchanged]),
  ).toEqual([0, 4, 8, 10, 12, 16, 22, 25]);
});

test('the time that asking and taking in took counts; what takes longer is not made up for', async () => {
  expect(await pollsOf([changed(4), unchanged, changed(4)], () => 1, 1)).toEqual([0, 4, 6, 10]);
  const slow = await pollsOf([changed(1), changed(1), changed(1)], () => 1, 3);
  expect(slow[1]! - slow[0]!).toBeGreaterThan(3);
  expect(slow.length).toBe(4);
});

test('after failures the pauses double from one second to thirty, and the rhythm is as before at once', async () => {
  const failures = Array.from({ length: 8 }, () => failed);
  expect(await pollsOf([changed(2), ...failures, unchanged, changed(2)])).toEqual([
    0, 2, 3, 5, 9, 17, 33, 63, 93, 123, 124, 126,
  ]);
});

test('pauses after failures are spread, and never below a second', () => {
  const backoff = (random: number) => {
    const rhythm = new Rhythm(() => random);
    return Array.from({ length: 7 }, () => rhythm.after(failed).wait);
  };
  expect(backoff(0)).toEqual([1_000, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  expect(backoff(0.5)).toEqual([1_000, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500]);
});

test.each<[string, Polled, number]>([
  ['what will hardly be better soon waits longest', { kind: 'failed', lasting: true }, 30_000],
  ['a server that asks for a pause gets it', { kind: 'failed', retryAfter: 7 }, 7_000],
  ['but not for ever', { kind: 'failed', retryAfter: 86_400 }, 30_000],
  ['an ended list is asked for now and then', changed(2, true), 15_000],
  ['a target duration of nothing is a second', changed(0), 1_000],
  ['one of a day is a minute', changed(86_400), 60_000],
])('%s', (_, polled, wait) => {
  expect(new Rhythm(() => 1).after(polled).wait).toBe(wait);
});

test('a list that has ended stays slow while it does not change, and a new one is followed at once', () => {
  const rhythm = new Rhythm(() => 1);
  rhythm.after(changed(2, true));
  expect(rhythm.after(unchanged).wait).toBe(15_000);
  expect(rhythm.after(failed).wait).toBe(1_000);
  expect(rhythm.after(unchanged).wait).toBe(15_000);
  expect(rhythm.after(changed(2)).wait).toBe(2_000);
  expect(rhythm.after(unchanged).wait).toBe(1_000);
});
