import { randomBytes } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { MIB } from '../../../media/units.ts';
import { FakeClock } from '../../../runtime/fake-clock-for-test.ts';
import { partOfFile, pushedFile } from './pushed-file-for-test.ts';

const LARGEST = 4 * MIB;
let clock: FakeClock;
beforeEach(() => {
  clock = new FakeClock();
});
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a part is had as soon as it has come whole, however small, while the file still comes', async () => {
  const { file, send, startedAt } = pushedFile(clock, LARGEST);
  const all = randomBytes(1_000);
  const part = partOfFile(file, 100, 400);
  send(all.subarray(0, 499));
  await settled();
  expect(await Promise.race([part, settled()])).toBeUndefined();
  send(all.subarray(499));
  expect(all.subarray(100, 500).equals(await part)).toBe(true);
  expect(await file.lookAt({ offset: 500, length: 500 })).toEqual({
    bytes: 500,
    modifiedAt: startedAt,
    fileBytes: 1_000,
  });
});

test('a stream of many segments keeps a bounded part of itself, and may be as long as it likes', async () => {
  const { file, body, sinks, send, end } = pushedFile(clock, LARGEST);
  const segment = randomBytes(MIB);
  let most = 0;
  for (let at = 0; at < 64; at++) {
    send(segment);
    expect(segment.equals(await partOfFile(file, at * MIB, MIB))).toBe(true);
    most = Math.max(most, file.keptBytes);
  }
  expect(body.isCut).toBe(true);
  expect(most).toBeLessThanOrEqual(12 * MIB);
  expect(sinks.filter(({ dropped }) => !dropped).length).toBeLessThanOrEqual(6);
  expect(segment.equals(await partOfFile(file, 60 * MIB, MIB))).toBe(true);
  await expect(partOfFile(file, 0, MIB)).rejects.toMatchObject({ reason: 'missing_at_source' });
  await expect(file.whole()).rejects.toMatchObject({ reason: 'too_large' });
  end();
  expect(await file.received).toBeUndefined();
});

test('one out of which nothing is cut is too large as any segment is, also behind what was cut', async () => {
  const plain = pushedFile(clock, 1_000);
  plain.send(Buffer.alloc(1_001));
  await expect(plain.file.received).rejects.toMatchObject({ code: 'too_large' });
  const stream = pushedFile(clock, 1_000);
  stream.send(Buffer.alloc(600));
  await partOfFile(stream.file, 0, 500);
  stream.send(Buffer.alloc(900));
  await partOfFile(stream.file, 1_000, 500);
  stream.send(Buffer.alloc(1_001));
  await expect(stream.file.received).rejects.toMatchObject({ code: 'too_large' });
});

test('a segment of which a part was read while it came is still one', async () => {
  const { file, send, end } = pushedFile(clock, LARGEST);
  const segment = randomBytes(3 * MIB);
  send(segment.subarray(0, 1_000));
  await partOfFile(file, 200, 800);
  send(segment.subarray(1_000));
  end();
  const whole = await file.whole();
  expect(segment.equals(await whole.sink.content())).toBe(true);
});

test('what does not come is given up: after five silent seconds, where the file ends or breaks off before, where it lies far ahead', async () => {
  const silent = pushedFile(clock, LARGEST);
  silent.send(Buffer.alloc(100));
  const waited = expect(partOfFile(silent.file, 0, 200)).rejects.toMatchObject({
    reason: 'missing_at_source',
  });
  await settled();
  clock.pass(5_001);
  await waited;
  // Whoever asks next does not wait again.
  expect(await silent.file.lookAt({ offset: 100, length: 100 })).toBeUndefined();
  silent.send(Buffer.alloc(100));
  await settled();
  expect(await partOfFile(silent.file, 0, 200)).toHaveLength(200);

  const short = pushedFile(clock, LARGEST);
  short.send(Buffer.alloc(100));
  const cutShort = expect(partOfFile(short.file, 0, 200)).rejects.toMatchObject({
    reason: 'truncated_at_source',
  });
  short.end();
  await cutShort;
  const broken = pushedFile(clock, LARGEST);
  broken.send(Buffer.alloc(100));
  broken.breakOff();
  await settled();
  await expect(partOfFile(broken.file, 0, 50)).rejects.toMatchObject({ reason: 'truncated_at_source' });
  await expect(partOfFile(silent.file, 10 * LARGEST, 10)).rejects.toMatchObject({
    reason: 'missing_at_source',
  });
  await expect(partOfFile(silent.file, 0, LARGEST + 1)).rejects.toMatchObject({ reason: 'too_large' });
});
