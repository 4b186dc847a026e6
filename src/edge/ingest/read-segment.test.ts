import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../../runtime/fake-clock-for-test.ts';
import { SourceUnreadable } from './open-segment.ts';
import { tryAgain } from './read-segment.ts';

let clock: FakeClock;
/** When it was looked at, and whether that was said to be the last time. */
let looks: [at: number, last: boolean][];
beforeEach(() => {
  clock = new FakeClock();
  looks = [];
});

/** What reading comes to: the look at which it succeeds, or never. */
async function reading(
  announcedBefore: number,
  { succeedsAt = Number.POSITIVE_INFINITY, passing = true } = {},
) {
  clock.pass(announcedBefore);
  const begun = clock.monotonic();
  const announced = { at: clock.now(), monotonic: 0 as ReturnType<typeof clock.monotonic> };
  const outcome = tryAgain(clock, announced, async (last) => {
    looks.push([clock.monotonic() - begun, last]);
    if (looks.length < succeedsAt) throw new SourceUnreadable('missing_at_source', 'not yet', passing);
    return 'read';
  }).catch((error: SourceUnreadable) => error.reason);
  for (let ms = 0; ms < 1_000; ms += 10) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.pass(10);
  }
  return outcome;
}

test('what may still be written is looked at for half a second', async () => {
  expect(await reading(0)).toBe('missing_at_source');
  expect(looks).toEqual([
    [0, false],
    [50, false],
    [200, false],
    [500, true],
  ]);
});

test('what was announced longer ago is looked at twice: others wait behind it', async () => {
  expect(await reading(600)).toBe('missing_at_source');
  expect(looks).toEqual([
    [0, false],
    [50, true],
  ]);
});

test('what waited for its turn has the rest of its half second', async () => {
  await reading(400);
  expect(looks).toEqual([
    [0, false],
    [50, false],
    [200, true],
  ]);
});

test('what is there is read at once, and what will never be is not waited for', async () => {
  expect(await reading(0, { succeedsAt: 2 })).toBe('read');
  expect(looks).toHaveLength(2);
  looks = [];
  expect(await reading(0, { passing: false })).toBe('missing_at_source');
  expect(looks).toHaveLength(1);
});
