import { createHash } from 'node:crypto';
import { beforeEach, expect, test, vi } from 'vitest';
import { bytes, epochMs } from '../../../media/units.ts';
import { FakeClock } from '../../../runtime/fake-clock-for-test.ts';
import { MemorySink } from '../read-segment.ts';
import { PushedFiles } from './pushed-files.ts';
import type { PushedSegment } from './receive-segment.ts';

const LARGEST = 1_000;
let clock: FakeClock;
let files: PushedFiles;
let dropped: string[];
beforeEach(() => {
  clock = new FakeClock();
  files = new PushedFiles(clock, LARGEST);
  dropped = [];
});

const whole = (name: string, size = 100): PushedSegment => {
  const sink = new MemorySink();
  vi.spyOn(sink, 'discard').mockImplementation(async () => void dropped.push(name));
  return {
    digest: name,
    hash: createHash('sha256'),
    bytes: bytes(size),
    modifiedAt: epochMs(clock.now()),
    sink,
  };
};
const push = async (name: string, size?: number) => {
  files.add(name, Promise.resolve(whole(name, size)));
  await files.lookAt(name);
};
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a segment is taken once; what was seen of it stays known', async () => {
  await push('a.ts');
  expect(await files.take('a.ts', false)).toMatchObject({ digest: 'a.ts' });
  await expect(files.take('a.ts', false)).rejects.toMatchObject({
    reason: 'missing_at_source',
    passing: true,
  });
  expect(await files.lookAt('a.ts')).toEqual({ bytes: 100, modifiedAt: clock.now() });
  expect(dropped).toEqual([]);
});

test('one that came slowly waits as long as any other', async () => {
  let end!: (segment: PushedSegment) => void;
  files.add('slow.ts', new Promise((resolve) => (end = resolve)));
  clock.pass(100_000);
  end(whole('slow.ts'));
  await settled();
  await push('b.ts');
  expect(await files.take('slow.ts', false)).toMatchObject({ digest: 'slow.ts' });
});

test('what no playlist names goes: after a minute, past 64 files, past four of the largest size', async () => {
  await push('old.ts');
  clock.pass(60_001);
  await push('new.ts');
  await settled();
  expect(dropped).toEqual(['old.ts']);
  for (let at = 0; at < 64; at++) await push(`${at}.ts`, 1);
  await settled();
  expect(dropped).toEqual(['old.ts', 'new.ts']);
  for (const name of ['w', 'x', 'y', 'z']) await push(name, LARGEST);
  await settled();
  expect(dropped).not.toContain('w');
  await push('more', LARGEST);
  await settled();
  expect(dropped).toContain('w');
  expect(dropped).not.toContain('x');
});

test('another one of the same name takes its place; closing lets all go', async () => {
  await push('a.ts');
  files.add('a.ts', Promise.resolve(whole('again')));
  expect((await files.take('a.ts', false)).digest).toBe('again');
  await push('b.ts');
  files.close();
  await settled();
  expect(dropped).toEqual(['a.ts', 'b.ts']);
});

test('a seventeenth at the same time is refused', () => {
  for (let at = 0; at < 16; at++) {
    files.refuseTooMany();
    files.add(`${at}.ts`, new Promise(() => undefined));
  }
  expect(() => files.refuseTooMany()).toThrow(expect.objectContaining({ code: 'too_many_requests' }));
});
