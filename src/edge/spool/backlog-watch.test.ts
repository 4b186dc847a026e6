import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../../runtime/fake-clock-for-test.ts';
import { BacklogWatch } from './backlog-watch.ts';

let clock: FakeClock;
let told: [percent: number, secondsLeft: number | undefined][];
let watch: BacklogWatch;
beforeEach(() => {
  clock = new FakeClock();
  told = [];
  watch = new BacklogWatch(1_000, clock, (percent, left) => void told.push([percent, left]));
});

/** Five seconds later so much waits. */
const look = (bytes: number) => {
  clock.pass(5_000);
  watch.look(bytes);
};

test('each mark is told once, with the time that is left', () => {
  for (const bytes of [0, 500, 790, 850, 860, 900, 949, 950, 1_000]) look(bytes);
  expect(told.map(([percent]) => percent)).toEqual([80, 90, 95]);
  // 60 bytes in five seconds, 150 bytes to go.
  expect(told[0]![1]).toBeCloseTo(12.5);
});

test('a leap is told by its highest mark', () => {
  look(0);
  look(960);
  expect(told.map(([percent]) => percent)).toEqual([95]);
});

test('a mark that is passed again after a fall is told again', () => {
  for (const bytes of [0, 850, 100, 850]) look(bytes);
  expect(told.map(([percent]) => percent)).toEqual([80, 80]);
});

test('what an earlier process left is told without a false time', () => {
  look(850);
  expect(told).toEqual([[80, undefined]]);
});

test('two looks at once tell no false time either', () => {
  look(100);
  watch.look(850);
  expect(told).toEqual([[80, undefined]]);
});

test('what is over its bound has no time left, not less than none', () => {
  look(100);
  look(1_200);
  expect(told).toEqual([[95, 0]]);
});
