import { expect, test } from 'vitest';
import { Syncs } from './syncs.ts';

const later = () => new Promise((resolve) => setImmediate(resolve));

/** Syncs that end when they are told to. */
function start(count: number) {
  const syncs = new Syncs();
  const running: { readonly number: number; end(error?: Error): void }[] = [];
  const begun: number[] = [];
  const outcomes = Promise.allSettled(
    Array.from({ length: count }, (_, number) =>
      syncs.run(
        () =>
          new Promise<number>((resolve, reject) => {
            begun.push(number);
            running.push({ number, end: (error) => (error ? reject(error) : resolve(number)) });
          }),
      ),
    ),
  );
  return { syncs, running, begun, outcomes };
}

test('however many segments are to be synced, never more than two are under way, in the order they came', async () => {
  const { running, begun, outcomes } = start(20);
  for (let done = 0; done < 20; done++) {
    await later();
    expect(running.length).toBeLessThanOrEqual(2);
    // The later one of two may end first.
    running.splice(running.length - 1, 1)[0]!.end();
  }
  expect(begun).toEqual(Array.from({ length: 20 }, (_, number) => number));
  expect(await outcomes).toHaveLength(20);
});

test('a disk that fails is told to the one who asked, and holds nobody up', async () => {
  const { running, outcomes } = start(4);
  for (let done = 0; done < 4; done++) {
    await later();
    running.shift()!.end(done % 2 === 0 ? new Error('EIO') : undefined);
  }
  const kinds = (await outcomes).map(({ status }) => status);
  expect(kinds).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
});

test('after a rest two may be under way again', async () => {
  const { syncs, running, outcomes } = start(2);
  await later();
  for (const one of running) one.end();
  await outcomes;
  let most = 0;
  let now = 0;
  const sync = async () => {
    most = Math.max(most, ++now);
    await later();
    now -= 1;
  };
  await Promise.all(Array.from({ length: 9 }, () => syncs.run(sync)));
  expect(most).toBe(2);
});
