import { createCipheriv, createHash } from 'node:crypto';
import { PACKET_BYTES, packetsOf, payloadAt, pcrAt, pidOf } from '../../src/mpegts/packet.ts';
import { stampsAt } from '../../src/mpegts/pes.ts';
import { PAT_PID } from '../../src/mpegts/tables.ts';
import { TICKS_PER_SECOND, ticks, writePcrBase, writeStamp } from '../../src/mpegts/ticks.ts';

/** Which segment of which life of the encoder. */
export type SegmentId = { readonly run: number; readonly sequence: number };

/** As stories name it: `0/12`. */
export const labelOf = ({ run, sequence }: SegmentId): string => `${run}/${sequence}`;

const PMT_PID = 0x1000;
const VIDEO_PID = 0x100;
const FRAME_MS = 20;
const PAYLOAD_BYTES = PACKET_BYTES - 4;
/** PAT and PMT. */
const TABLE_PACKETS = 2;
const LABEL = 'livemix-chaos ';

export const DEFAULT_SEGMENT_BYTES = 60_000;

/**
 * The bytes of a segment, a pure function of its arguments: PAT, PMT, then one PES for every 20 ms with the PTS of
 * its place, filled with noise up to `size` bytes, rounded down to whole packets. PTS and continuity counters go on
 * from one segment of a run to the next. In plain text it says which segment it is, so that a damaged one can be told.
 */
export function segmentBytes(
  seed: string,
  source: string,
  run: number,
  sequence: number,
  durationMs: number,
  size = DEFAULT_SEGMENT_BYTES,
): Buffer {
  const frames = Math.max(2, Math.ceil(durationMs / FRAME_MS));
  const packets = Math.max(frames, Math.floor(size / PACKET_BYTES) - TABLE_PACKETS);
  const name = `${seed}/${source}/${run}/${sequence}`;
  const out = noise(name, (TABLE_PACKETS + packets) * PACKET_BYTES);
  pat(sequence).copy(out, 0);
  pmt(sequence).copy(out, PACKET_BYTES);
  let frame = 0;
  for (let index = 0; index < packets; index++) {
    const at = (TABLE_PACKETS + index) * PACKET_BYTES;
    const packet = out.subarray(at, at + PACKET_BYTES);
    const begins = frame < frames && index >= Math.floor((frame * packets) / frames);
    const counter = (sequence * packets + index) & 0xf;
    packet.set([0x47, (begins ? 0x40 : 0) | (VIDEO_PID >> 8), VIDEO_PID & 0xff, 0x10 | counter]);
    if (!begins) continue;
    const milliseconds = run * 100_000 + sequence * durationMs + (frame * durationMs) / frames;
    beginFrame(packet, milliseconds, frame === 0 ? `${LABEL}${name}\n` : '');
    frame += 1;
  }
  return out;
}

/** Which segment the bytes say they are, be they damaged; undefined when they say nothing. */
export function idOf(bytes: Buffer): SegmentId | undefined {
  const at = bytes.indexOf(LABEL);
  if (at < 0) return undefined;
  const text = bytes.toString('latin1', at, bytes.indexOf('\n', at));
  const match = /\/(\d+)\/(\d+)$/.exec(text);
  return match === null ? undefined : { run: Number(match[1]), sequence: Number(match[2]) };
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64url');

/** A hash of all but times and continuity counters, which joining segments into one file may change. */
export function untimedSha256(bytes: Uint8Array): string {
  const copy = Buffer.from(bytes);
  for (const packet of packetsOf(copy)) {
    const pcr = pcrAt(packet);
    const stamps = stampsAt(packet);
    if (pcr !== undefined) writePcrBase(packet, pcr, ticks(0));
    if (stamps !== undefined) writeStamp(packet, stamps.pts, ticks(0));
    packet[3] = packet[3]! & 0xf0;
  }
  return sha256(copy);
}

/** The segments that were joined into one stream: each begins with the only PAT it has. */
export function splitAtPats(stream: Buffer): Buffer[] {
  const begins: number[] = [];
  let at = 0;
  for (const packet of packetsOf(stream)) {
    if (pidOf(packet) === PAT_PID) begins.push(at);
    at += PACKET_BYTES;
  }
  if (begins[0] !== 0) begins.unshift(0);
  return begins.map((begin, index) => stream.subarray(begin, begins[index + 1] ?? stream.length));
}

function beginFrame(packet: Buffer, milliseconds: number, label: string): void {
  const first = label !== '';
  if (first) {
    // An adaptation field: random access, and the clock.
    packet[3] = packet[3]! | 0x20;
    packet.set([7, 0x50, 0, 0, 0, 0, 0x7e, 0], 4);
    writePcrBase(packet, 6, ticks(Math.round((milliseconds * TICKS_PER_SECOND) / 1000)));
  }
  const at = payloadAt(packet);
  packet.set([0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1, 0, 0, 0, 1, 9, 0xf0], at);
  writeStamp(packet, at + 9, ticks(Math.round((milliseconds * TICKS_PER_SECOND) / 1000)));
  packet.write(label.slice(0, PAYLOAD_BYTES - 40), at + 20, 'latin1');
}

/** Bytes that look random: the key stream of AES in counter mode. */
function noise(name: string, length: number): Buffer {
  const key = createHash('sha256').update(name).digest().subarray(0, 16);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

const pat = (counter: number): Buffer =>
  tablePacket(PAT_PID, counter, 0x00, [0, 1, 0xc1, 0, 0, 0, 1, 0xe0 | (PMT_PID >> 8), PMT_PID & 0xff]);

/** One program: H.264 on the PID that carries the clock too. */
const pmt = (counter: number): Buffer =>
  tablePacket(PMT_PID, counter, 0x02, [
    ...[0, 1, 0xc1, 0, 0, 0xe0 | (VIDEO_PID >> 8), VIDEO_PID & 0xff, 0xf0, 0],
    ...[0x1b, 0xe0 | (VIDEO_PID >> 8), VIDEO_PID & 0xff, 0xf0, 0],
  ]);

function tablePacket(pid: number, counter: number, tableId: number, body: readonly number[]): Buffer {
  const packet = Buffer.alloc(PACKET_BYTES, 0xff);
  packet.set([0x47, 0x40 | (pid >> 8), pid & 0xff, 0x10 | (counter & 0xf), 0]);
  const section = Buffer.from([tableId, 0xb0, body.length + 4, ...body]);
  section.copy(packet, 5);
  packet.writeUInt32BE(crc32Mpeg(section), 5 + section.length);
  return packet;
}

/** ISO/IEC 13818-1 annex A. */
function crc32Mpeg(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  }
  return crc >>> 0;
}
