import { readFileSync } from 'node:fs';

/** The clip of the test camera, which these tests read as an example of a real muxer's work. */
export const testClip = readFileSync(new URL('../../assets/test-camera.mpegts', import.meta.url));

type Parts = {
  readonly pid: number;
  readonly startsUnit?: boolean;
  readonly counter?: number;
  /** The adaptation field's flags and what follows them. */
  readonly adaptation?: readonly number[];
  /** Absent: a packet of an adaptation field only. */
  readonly payload?: readonly number[];
};

/** A packet of 188 bytes; where a payload is short, the adaptation field is stuffed. */
export function packetOf({ pid, startsUnit = false, counter = 0, adaptation, payload }: Parts): Buffer {
  const packet = Buffer.alloc(188, 0xff);
  const room = 184 - (payload?.length ?? 0);
  const control = (payload === undefined ? 0 : 0x10) | (room > 0 ? 0x20 : 0);
  packet.set([0x47, (startsUnit ? 0x40 : 0) | (pid >> 8), pid & 0xff, control | counter]);
  if (room > 0) packet[4] = room - 1;
  if (room > 1) packet.set(adaptation ?? [0], 5);
  packet.set(payload ?? [], 188 - (payload?.length ?? 0));
  return packet;
}

/** A table's section as a payload: pointer_field 0, the section, padding. */
const section = (tableId: number, body: readonly number[]): readonly number[] => {
  const bytes = [0, tableId, 0xb0, body.length + 4, ...body, 0, 0, 0, 0];
  return [...bytes, ...new Array<number>(184 - bytes.length).fill(0xff)];
};

/** A PAT that names a network table on PID 16 and programs on `pmtPids`. */
export const patOf = (...pmtPids: readonly number[]): Buffer =>
  packetOf({
    pid: 0,
    startsUnit: true,
    payload: section(0, [
      ...[0, 1, 0xc1, 0, 0, 0, 0, 0xe0, 16],
      ...pmtPids.flatMap((pid, index) => [0, index + 1, 0xe0 | (pid >> 8), pid & 0xff]),
    ]),
  });

/** A PMT with H.264 on PID 256, which carries the clock too, with a descriptor, and AAC on 257. */
export const pmtOn = (pid: number): Buffer =>
  packetOf({
    pid,
    startsUnit: true,
    payload: section(2, [
      ...[0, 1, 0xc1, 0, 0, 0xe1, 0x00, 0xf0, 2, 0x0a, 0],
      ...[0x1b, 0xe1, 0x00, 0xf0, 3, 0x0a, 1, 0],
      ...[0x0f, 0xe1, 0x01, 0xf0, 0],
    ]),
  });
