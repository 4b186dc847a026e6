import { expect, test } from 'vitest';
import { SerialQueue } from './serial-queue.ts';

test('tasks run one at a time, in order, and one that fails stops no other', async () => {
  const queue = new SerialQueue(10);
  const log: string[] = [];
  const task =
    (name: string, fails = false) =>
    async () => {
      log.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    };
  const results = await Promise.allSettled([
    queue.run(task('a')),
    queue.run(task('b', true)),
    queue.run(() => {
      throw new Error('at once');
    }),
    queue.run(task('c')),
  ]);
  expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
  expect(await queue.run(() => 'later')).toBe('later');
});

test('one too many is told so and does not run', async () => {
  const queue = new SerialQueue(1);
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  let ran = 0;
  const first = queue.run(() => gate);
  const second = queue.run(() => ran++);
  expect(queue.waiting).toBe(1);
  await expect(queue.run(() => ran++)).rejects.toMatchObject({ code: 'busy', status: 503 });
  open();
  await Promise.all([first, second]);
  expect(ran).toBe(1);
  expect(queue.waiting).toBe(0);
});
