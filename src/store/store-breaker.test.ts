import { expect, test } from 'vitest';
import { FakeClock } from '../runtime/fake-clock-for-test.ts';
import { StoreBreaker } from './store-breaker.ts';

const failing = (count: number, clock = new FakeClock()) => {
  const breaker = new StoreBreaker(clock);
  const opened = Array.from({ length: count }, () => breaker.failed());
  return { breaker, clock, opened };
};

test('nine failures are let pass, the tenth opens', () => {
  const { breaker, opened } = failing(10);
  expect(opened).toEqual([...Array(9).fill(false), true]);
  expect([breaker.isOpen, breaker.admit()]).toEqual([true, false]);
});

test('failures are forgotten after half a minute, and only then', () => {
  const { breaker, clock } = failing(9);
  expect(breaker.answered()).toBe(false);
  clock.pass(29_999);
  expect(breaker.failed()).toBe(true);
  const other = failing(9);
  other.clock.pass(30_000);
  expect(other.breaker.failed()).toBe(false);
});

test('after five seconds one is let through, and its answer closes', () => {
  const { breaker, clock } = failing(10);
  clock.pass(4999);
  expect(breaker.admit()).toBe(false);
  clock.pass(1);
  expect([breaker.admit(), breaker.admit()]).toEqual([true, false]);
  expect(breaker.answered()).toBe(true);
  expect([breaker.isOpen, breaker.admit(), breaker.admit()]).toEqual([false, true, true]);
  expect(breaker.failed()).toBe(false);
});

test('a probe that fails opens for another five seconds; one that is never heard of too', () => {
  const { breaker, clock } = failing(10);
  clock.pass(5000);
  expect(breaker.admit()).toBe(true);
  clock.pass(1000);
  expect(breaker.failed()).toBe(false);
  clock.pass(4999);
  expect(breaker.admit()).toBe(false);
  clock.pass(1);
  expect([breaker.admit(), breaker.admit()]).toEqual([true, false]);
  clock.pass(5000);
  expect([breaker.admit(), breaker.admit()]).toEqual([true, false]);
});
