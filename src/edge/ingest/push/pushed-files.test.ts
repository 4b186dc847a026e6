import { beforeEach, expect, test } from 'vitest';
import type { SegmentRecord } from '../../../media/segment-record.ts';
import { FakeClock } from '../../../runtime/fake-clock-for-test.ts';
import type { OpenSegment } from '../open-segment.ts';
import { pushedFile } from './pushed-file-for-test.ts';
import { PushedFiles } from './pushed-files.ts';
import { SmallFiles } from './small-files.ts';

const LARGEST = 1_000;
let clock: FakeClock;
let files: PushedFiles;
let pushed: Map<string, ReturnType<typeof pushedFile>>;
beforeEach(() => {
  clock = new FakeClock();
  const readPart = async (_place: unknown, _record: unknown, begin: number, length: number) =>
    Buffer.from('0123456789').subarray(begin, begin + length);
  files = new PushedFiles(clock, LARGEST, { readPart }, SmallFiles.empty('/nowhere/small.json'));
  pushed = new Map();
});

const begin = (path: string, as = path) => {
  const one = pushedFile(clock, LARGEST);
  pushed.set(as, one);
  files.add(path, one.file, one.startedAt);
  return one;
};
const push = async (path: string, size = 100, as = path) => {
  const one = begin(path, as);
  one.send(Buffer.alloc(size, as));
  one.end();
  await one.file.received;
};
const dropped = () =>
  [...pushed].filter(([, { sinks }]) => sinks.some((sink) => sink.dropped)).map(([name]) => name);
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a segment is taken once; what was seen of it stays known', async () => {
  await push('a.ts');
  expect(await files.take('a.ts', false)).toMatchObject({ bytes: 100 });
  await expect(files.take('a.ts', false)).rejects.toMatchObject({
    reason: 'missing_at_source',
    passing: true,
  });
  expect(await files.lookAt('a.ts')).toEqual({ bytes: 100, modifiedAt: clock.now() });
  expect(dropped()).toEqual([]);
});

test('one that came slowly waits as long as any other', async () => {
  const slow = begin('slow.ts');
  clock.pass(100_000);
  slow.send(Buffer.alloc(70));
  slow.end();
  await settled();
  await push('b.ts');
  expect(await files.take('slow.ts', false)).toMatchObject({ bytes: 70 });
});

test('what no playlist names goes: after a minute, past 64 files, past four of the largest size', async () => {
  await push('old.ts');
  clock.pass(60_001);
  await push('new.ts');
  await settled();
  expect(dropped()).toEqual(['old.ts']);
  for (let at = 0; at < 64; at++) await push(`${at}.ts`, 1);
  await settled();
  expect(dropped()).toEqual(['old.ts', 'new.ts']);
  for (const name of ['w', 'x', 'y', 'z']) await push(name, LARGEST);
  await settled();
  expect(dropped()).not.toContain('w');
  await push('more', LARGEST);
  await settled();
  expect(dropped()).toContain('w');
  expect(dropped()).not.toContain('x');
});

test('another one of the same name takes its place; closing lets all go', async () => {
  await push('a.ts');
  await push('a.ts', 200, 'again');
  expect((await files.take('a.ts', false)).bytes).toBe(200);
  await push('b.ts');
  files.close();
  await settled();
  expect(dropped()).toEqual(['a.ts', 'b.ts']);
});

test('a seventeenth at the same time is refused', () => {
  for (let at = 0; at < 16; at++) {
    files.refuseTooMany();
    begin('the-same.ts');
  }
  expect(() => files.refuseTooMany()).toThrow(expect.objectContaining({ code: 'too_many_requests' }));
});

const contentOf = async (opened: OpenSegment) => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of opened.chunks()) chunks.push(Buffer.from(chunk));
  await opened.close();
  return Buffer.concat(chunks).toString();
};

test('parts of a file are read where it lies: as it was pushed, and as the segment it became', async () => {
  await push('a.ts', 10, 'abcdefghij');
  expect(await contentOf(await files.open('a.ts', { offset: 2, length: 3 }))).toBe('cde');
  await files.take('a.ts', false);
  await expect(files.open('a.ts', { offset: 2, length: 3 })).rejects.toMatchObject({ passing: true });
  const record = { bytes: 10, encoder: { modifiedAt: 5 } } as SegmentRecord;
  let keep!: (record: SegmentRecord) => void;
  files.keptAs('a.ts', { source: 's', rendition: 'main' }, new Promise((resolve) => (keep = resolve)));
  const opening = files.open('a.ts', { offset: 2, length: 3 });
  keep(record);
  expect(await contentOf(await opening)).toBe('234');
  expect(await files.lookAt('a.ts', { offset: 2, length: 3 })).toMatchObject({ bytes: 3, fileBytes: 10 });
  expect(await files.lookAt('a.ts', { offset: 8, length: 3 })).toBeUndefined();
  await expect(files.open('a.ts', { offset: 8, length: 3 })).rejects.toMatchObject({ passing: false });
});

test.each([
  ['first', ['empty', 'full']],
  ['last', ['full', 'empty']],
])(
  'of the two bodies that ffmpeg opens for one file, the empty one heard of %s is none',
  async (_, order) => {
    for (const each of order) begin('index.ts', each);
    const { send, end } = pushed.get('full')!;
    send(Buffer.from('0123456789'));
    await settled();
    expect(await contentOf(await files.open('index.ts', { offset: 4, length: 3 }))).toBe('456');
    pushed.get('empty')!.end();
    await settled();
    expect(files.isReplaced('index.ts', pushed.get('empty')!.file)).toBe(true);
    end();
    await settled();
    expect(await files.lookAt('index.ts', { offset: 4, length: 3 })).toMatchObject({ bytes: 3 });
  },
);

test('a key that is sent anew is the new one for all who ask at once', async () => {
  await push('k.key', 16, 'old');
  expect((await files.readSmall('k.key')).toString()).toContain('old');
  await push('k.key', 16, 'new');
  const read = await Promise.all(['a', 'b', 'c'].map(() => files.readSmall('k.key')));
  expect(read.map(String)).toEqual(Array(3).fill('newnewnewnewnewn'));
  expect((await files.readSmall('k.key')).toString()).toContain('new');
});
