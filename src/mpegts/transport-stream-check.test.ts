import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packetOf, patOf, pmtOn, testClip } from './packet-for-test.ts';
import { TransportStreamCheck } from './transport-stream-check.ts';

function verdictOf(...chunks: readonly Uint8Array[]) {
  const check = new TransportStreamCheck();
  for (const chunk of chunks) check.push(chunk);
  return check.verdict();
}

const media = packetOf({ pid: 256, payload: [1, 2, 3] });
const many = (count: number) => Buffer.concat(new Array<Buffer>(count).fill(media));
const zeros = (packets: number) => Buffer.alloc(188 * packets);
const tables = Buffer.concat([patOf(0x1000), pmtOn(0x1000)]);

const cases: readonly (readonly [string, Buffer, ReturnType<TransportStreamCheck['verdict']>])[] = [
  ['a whole clip', testClip, 'ok'],
  ['tables alone', tables, 'ok'],
  ['PMT before PAT', Buffer.concat([pmtOn(0x1000), many(3), patOf(0x1000)]), 'ok'],
  ['the second program of the PAT', Buffer.concat([patOf(0x20, 0x1000), pmtOn(0x1000)]), 'ok'],
  ['nothing', Buffer.alloc(0), 'empty'],
  ['a clip without its last byte', testClip.subarray(0, -1), 'torn'],
  ['the first byte of a clip', testClip.subarray(0, 1), 'torn'],
  ['a web page', Buffer.from('<!doctype html>'.repeat(100)), 'not_ts'],
  ['a file that is all zeros', zeros(10), 'not_ts'],
  [
    'a clip that begins in the middle of a packet',
    Buffer.concat([testClip.subarray(4), Buffer.alloc(4)]),
    'not_ts',
  ],
  ['a fifth packet without sync', Buffer.concat([tables, many(2), zeros(1), many(10)]), 'not_ts'],
  ['a hole further in', Buffer.concat([tables, many(3), zeros(1), many(5)]), 'ok'],
  ['a fifth-last packet without sync', Buffer.concat([tables, many(10), zeros(1), many(4)]), 'not_ts'],
  ['a file that was made long before it was filled', Buffer.concat([tables, many(10), zeros(5)]), 'not_ts'],
  ['no tables', many(400), 'no_tables'],
  ['a PAT without PMT', Buffer.concat([patOf(0x1000), many(10)]), 'no_tables'],
  ['a PMT that the PAT does not name', Buffer.concat([patOf(0x1000), pmtOn(0x1001)]), 'no_tables'],
  ['tables that end with 64 KiB', Buffer.concat([many(346), tables, many(10)]), 'ok'],
  ['tables that come later', Buffer.concat([many(347), tables, many(10)]), 'no_tables'],
];

test.each(cases)('%s', (_, stream, verdict) => {
  expect(verdictOf(stream)).toBe(verdict);
});

test('how the bytes were cut into chunks does not matter', () => {
  const streams = cases.map(([, stream, verdict]) => ({ stream, verdict }));
  const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 400 }), fc.constant(188), fc.constant(65_536)), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(fc.constantFrom(...streams), sizes, ({ stream, verdict }, cuts) => {
      const check = new TransportStreamCheck();
      const step = [...cuts, 97];
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const size = step[turn % step.length]!;
        check.push(stream.subarray(at, at + size));
        at += size;
      }
      expect(check.verdict()).toBe(verdict);
    }),
  );
});

test('a picture whose times stand in the next packet is passed over', () => {
  const head = [0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5];
  const stamp = [0x21, 0, 5, 0xbf, 0x21];
  const whole = packetOf({ pid: 256, startsUnit: true, payload: [...head, ...stamp] });
  for (const split of [3, 7, 9, 13]) {
    const torn = packetOf({ pid: 256, startsUnit: true, payload: [...head, ...stamp].slice(0, split) });
    const check = new TransportStreamCheck();
    check.push(Buffer.concat([tables, whole, torn, whole]));
    expect([check.verdict(), check.span]).toEqual(['ok', 0]);
  }
});

test('no bytes of any kind make it throw', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 187, maxLength: 187 }), { maxLength: 20 }), (bodies) => {
      const stream = Buffer.concat(bodies.flatMap((body) => [Buffer.from([0x47]), body]));
      expect(['ok', 'empty', 'no_tables']).toContain(verdictOf(stream));
    }),
  );
});
