import { expect, test } from 'vitest';
import { packetsOf, pidOf } from './packet.ts';
import { packetOf, patOf, pmtOn, testClip } from './packet-for-test.ts';
import { beginsPmt, readPat, readPmt } from './tables.ts';

test('the tables of a real clip tell its streams', () => {
  const packets = [...packetsOf(testClip)];
  const pmtPids = packets.map(readPat).find((pids) => pids !== undefined);
  expect(pmtPids).toEqual([0x1000]);
  const pmt = packets.find((packet) => pidOf(packet) === 0x1000)!;
  expect(readPmt(pmt)).toEqual({
    pcrPid: 256,
    streams: [
      { pid: 256, type: 0x1b },
      { pid: 257, type: 0x0f },
    ],
  });
});

test('a PAT names the maps of its programs, and not the network table', () => {
  expect(readPat(patOf(0x1000, 0x1abc))).toEqual([0x1000, 0x1abc]);
});

test('descriptors of a PMT are passed over', () => {
  const program = readPmt(pmtOn(0x1abc));
  expect(program?.pcrPid).toBe(256);
  expect(program?.streams.map((stream) => stream.pid)).toEqual([256, 257]);
});

test('a packet without a section is no table', () => {
  const nothing = packetOf({ pid: 0 });
  const video = packetOf({ pid: 0, startsUnit: true, payload: [0, 0, 1, 0xe0] });
  const cutOff = packetOf({ pid: 0, startsUnit: true, payload: [0, 2, 0xb3, 0xff, 0, 1, 0xc1, 0, 0] });
  for (const packet of [nothing, video, cutOff]) {
    expect(readPat(packet)).toBeUndefined();
    expect(readPmt(packet)).toBeUndefined();
  }
  expect(beginsPmt(cutOff)).toBe(true);
  expect(beginsPmt(video)).toBe(false);
});
