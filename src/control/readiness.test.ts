import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../runtime/fake-clock-for-test.ts';
import { HurtStore } from '../store/hurt-store-for-test.ts';
import { StoreFailed } from '../store/object-store.ts';
import { Readiness } from './readiness.ts';

let clock: FakeClock;
let store: HurtStore;
beforeEach(() => {
  clock = new FakeClock();
  store = new HurtStore(clock);
});

test('control is not ready while its store is away, and is again when that is back', async () => {
  const readiness = new Readiness(store, clock);
  expect(await readiness.trouble()).toBeUndefined();
  store.down();
  clock.pass(5_000);
  expect(await readiness.trouble()).toBe('the object store does not answer');
  store.up();
  clock.pass(5_000);
  expect(await readiness.trouble()).toBeUndefined();
  readiness.catalogLost();
  expect(await readiness.trouble()).toBe('the catalog failed');
});

test('however many ask, the store is asked once in five seconds', async () => {
  let asked = 0;
  const counting = {
    head: async () => {
      asked += 1;
      return undefined;
    },
  };
  const readiness = new Readiness(counting, clock);
  await Promise.all(Array.from({ length: 100 }, () => readiness.trouble()));
  clock.pass(4_999);
  await readiness.trouble();
  expect(asked).toBe(1);
  clock.pass(1);
  await readiness.trouble();
  expect(asked).toBe(2);
});

test('a store that says nothing at all is not waited for', async () => {
  const silent = { head: () => new Promise<undefined>(() => {}) };
  const trouble = new Readiness(silent, clock).trouble();
  clock.pass(2_000);
  expect(await trouble).toBe('the object store does not answer');
});

test('a store that refuses to say answers', async () => {
  const strict = { head: () => Promise.reject(new StoreFailed('denied', 'no right to look')) };
  expect(await new Readiness(strict, clock).trouble()).toBeUndefined();
});
