import { expect, test } from 'vitest';
import { continueCounters, countPayloads } from './continue-counters.ts';
import { continuityCounter, packetsOf } from './packet.ts';
import { packetOf, testClip } from './packet-for-test.ts';

const counters = (stream: Uint8Array) => [...packetsOf(stream)].map(continuityCounter);
const full = (pid: number) => packetOf({ pid, payload: [1, 2, 3] });
const adaptationOnly = (pid: number) => packetOf({ pid });

test('each PID goes on from where it was, and packets without payload repeat the last', () => {
  const stream = Buffer.concat([adaptationOnly(7), full(7), full(8), adaptationOnly(7), full(7), full(9)]);
  const continued = continueCounters(
    stream,
    new Map([
      [7, 15],
      [8, 32],
    ]),
  );
  expect(counters(continued)).toEqual([14, 15, 0, 15, 0, 0]);
});

test('payloads are counted per PID', () => {
  const stream = Buffer.concat([full(7), adaptationOnly(7), full(8), full(7)]);
  expect(countPayloads(stream)).toEqual(
    new Map([
      [7, 2],
      [8, 1],
    ]),
  );
});

test('a clip that a muxer numbered from 0 is numbered the same way', () => {
  expect(continueCounters(testClip, new Map()).equals(testClip)).toBe(true);
});
