import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MAIN } from '../../media/name.ts';
import { recordForTest } from '../../media/record-for-test.ts';
import type { SegmentRecord } from '../../media/segment-record.ts';
import { bytes, epochMs, seconds } from '../../media/units.ts';
import { FakeClock } from '../../runtime/fake-clock-for-test.ts';
import type { KeepAnswer, KeepRequest, LackingObject } from '../../wire/keep.ts';
import { Rendition } from '../rendition.ts';
import type { Source } from '../source.ts';
import { Keep } from '../spool/keep.ts';
import { Line } from './line.ts';
import { Recorder, type RecorderTools } from './recorder.ts';
import { UplinkFailed, type UplinkTarget } from './uplink-client.ts';

const contentOf = (sequence: number) => Buffer.alloc(188, sequence + 1);
const recordOf = (sequence: number): SegmentRecord =>
  recordForTest(sequence, {
    digest: createHash('sha256').update(contentOf(sequence)).digest('base64url'),
    bytes: bytes(188),
  });
const later = async () => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
};

let clock: FakeClock;
let rendition: Rendition;
let ending: AbortController;
/** Control: what it has by number, and what it gives for what it lacks. */
let stored: Set<number>;
let ticket: (sequence: number, md5: string | undefined) => LackingObject;
let asked: KeepRequest[];
let put: number[];
let onDisk: (sequence: number) => Buffer;
let failPut: Error | undefined;
let synced: number[];
let sync: () => Promise<void>;
let told: string[];
let link: { target: { generation: number } | undefined };
let recorder: Recorder;
let running: Promise<void>;

beforeEach(() => {
  clock = new FakeClock();
  ending = new AbortController();
  stored = new Set();
  ticket = (sequence) => ({ sequence, url: `/edge/v1/objects/t${sequence}`, headers: {} });
  [asked, put, synced, told] = [[], [], [], []];
  onDisk = contentOf;
  failPut = undefined;
  link = { target: { generation: 1 } };
  sync = async () => undefined;
  const keep = new Keep([{ from: epochMs(0) }], epochMs(0));
  rendition = new Rendition({ source: 'camera-0', rendition: MAIN }, seconds(600), keep);
  const client = {
    keep: async (_target: UplinkTarget, _place: unknown, request: KeepRequest): Promise<KeepAnswer> => {
      asked.push(request);
      const { records, md5 = {} } = request;
      const isSettled = ({ sequence, gap }: SegmentRecord) => gap !== undefined || stored.has(sequence);
      const lacking = records.filter((record) => !isSettled(record)).slice(0, 4);
      return {
        settled: records.filter(isSettled).map(({ sequence }) => sequence),
        lacking: lacking.map(({ sequence }) => ticket(sequence, md5[sequence])),
      };
    },
    store: async (_target: UplinkTarget, _ticket: unknown, { sequence }: SegmentRecord, body: Readable) => {
      body.resume();
      put.push(sequence);
      if (failPut !== undefined) throw failPut;
      stored.add(sequence);
    },
  };
  const spool = {
    read: async (_place: unknown, { sequence }: SegmentRecord) => onDisk(sequence),
    stream: (_place: unknown, { sequence }: SegmentRecord) => Readable.from([onDisk(sequence)]),
    sync: (_place: unknown, { sequence }: SegmentRecord) => {
      synced.push(sequence);
      return sync();
    },
  };
  const tools = {
    link,
    client,
    spool,
    clock,
    line: new Line(clock, undefined),
    sources: { settle: (_: unknown, numbers: number[]) => numbers.map((one) => keep.settle(one)) },
    settled: () => undefined,
    events: new Proxy({}, { get: (_, name) => () => void told.push(String(name)) }),
  } as unknown as RecorderTools;
  const source = { name: 'camera-0', forwardedBytes: 0 } as Source;
  recorder = new Recorder(source, rendition, tools, () => false);
});
afterEach(async () => {
  ending.abort();
  await running;
});

const take = (...sequences: number[]) => {
  for (const sequence of sequences) rendition.push(recordOf(sequence));
};
const start = () => {
  running = recorder.run(ending.signal);
};
/** Rounds follow each other as fast as they can, failures apart. */
const rounds = async (count = 10, pause = 0) => {
  for (let round = 0; round < count; round++) {
    await later();
    clock.pass(pause);
  }
};
const unsettled = () => [...rendition.keep.unsettled(rendition.window.records)].map((one) => one.sequence);

test('what recordings want is sent once, oldest first', async () => {
  take(1, 2, 3, 4, 5, 6);
  start();
  await rounds();
  expect(put).toEqual([1, 2, 3, 4, 5, 6]);
  expect(unsettled()).toEqual([]);
  take(7);
  await rounds();
  expect(put.at(-1)).toBe(7);
});

test('a slow disk does not delay the first byte of a recording that began in the past', async () => {
  sync = () => new Promise((resolve) => void ending.signal.addEventListener('abort', () => resolve()));
  take(1, 2, 3);
  start();
  await rounds();
  expect(put).toEqual([1, 2, 3]);
  expect(synced).toEqual([1]);
});

test('all that is wanted and waits is synced once, what comes later and what is held, too', async () => {
  link.target = undefined;
  take(1, 2);
  start();
  await rounds();
  take(3);
  await rounds();
  expect(synced).toEqual([1, 2, 3]);
  expect(put).toEqual([]);
});

test('bytes that the disk changed are never put straight into the store: they are lost, and that is said', async () => {
  ticket = (sequence, md5) =>
    md5 === undefined ? { sequence, needs: 'md5' } : { sequence, url: 'https://store/key', headers: {} };
  onDisk = (sequence) => (sequence === 1 ? Buffer.alloc(188, 99) : contentOf(sequence));
  take(1, 2);
  start();
  await rounds(20);
  expect(put).toEqual([2]);
  expect(told).toContain('spoolCorrupt');
  const gap = asked.flatMap(({ records }) => records).find((record) => record.gap !== undefined);
  expect(gap).toMatchObject({ sequence: 1, gap: 'spool_corrupt', digest: '' });
  expect(unsettled()).toEqual([]);
});

test('after a failure it pauses, and then sends again what was not stored', async () => {
  failPut = new UplinkFailed('store_unavailable', 'the test took the store down');
  take(1, 2);
  start();
  await rounds();
  expect(put).toEqual([1]);
  failPut = undefined;
  await rounds(10, 500);
  expect(put).toEqual([1, 1, 2]);
  expect(unsettled()).toEqual([]);
});

test('a new link ends the pause after failures: what waited through an outage does not wait longer', async () => {
  failPut = new UplinkFailed('store_unavailable', 'the test took the store down');
  take(1);
  start();
  await rounds(12, 25_000);
  await rounds(1);
  const tries = put.length;
  expect(tries).toBeGreaterThan(8);
  failPut = undefined;
  take(2);
  await rounds();
  expect(put).toHaveLength(tries);
  link.target = { generation: 2 };
  recorder.wake();
  await rounds();
  expect(put.slice(tries)).toEqual([1, 2]);
});
