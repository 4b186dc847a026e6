import { expect, test } from 'vitest';
import { millis } from '../media/units.ts';
import { fullJitter, redialPause } from './retry.ts';

test('pauses double up to the ceiling, each between nothing and its bound', () => {
  const limits = { first: millis(500), base: millis(1000), ceiling: millis(5000) };
  const take = (random: () => number) => {
    const pauses = fullJitter({ ...limits, random });
    return Array.from({ length: 6 }, () => pauses.next().value);
  };
  expect(take(() => 1)).toEqual([500, 1000, 2000, 4000, 5000, 5000]);
  expect(take(() => 0)).toEqual([0, 0, 0, 0, 0, 0]);
});

test('a lost link is dialled again within half a second, then ever more patiently', () => {
  const most = (attempt: number, outage: number) => redialPause(attempt, millis(outage), () => 1);
  expect(most(0, 0)).toBe(500);
  expect(most(1, 500)).toBe(2_000);
  expect(most(5, 100_000)).toBe(10_000);
  expect(most(50, 3_600_000)).toBe(30_000);
  expect(redialPause(50, millis(3_600_000), () => 0.5)).toBe(15_000);
});
