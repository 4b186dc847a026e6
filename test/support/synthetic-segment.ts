import { createCipheriv, createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { PACKET_BYTES, packetsOf, pidOf } from '../../src/mpegts/packet.ts';
import { beginsPmt, PAT_PID } from '../../src/mpegts/tables.ts';

const clip = readFileSync(new URL('../../assets/test-camera.mpegts', import.meta.url));
const tables = [...packetsOf(clip)];
const pat = tables.find((packet) => pidOf(packet) === PAT_PID)!;
const pmt = tables.find((packet) => beginsPmt(packet))!;
const VIDEO_PID = 0x100;
const PAYLOAD_BYTES = PACKET_BYTES - 4;

/**
 * A whole transport stream segment whose bytes are a pure function of its arguments: PAT, PMT, PES headers
 * with the PTS of their place, and noise. No player can decode it; everything that only carries segments can be tested with it.
 */
export function syntheticSegment(of: {
  readonly seed?: string;
  readonly run: number;
  readonly sequence: number;
  readonly duration: number;
  readonly packets?: number;
}): Buffer {
  const { seed = 'seed', run, sequence, duration, packets = 40 } = of;
  const ptsAt = (part: number) => Math.round((run * 1_000 + (sequence + part) * duration) * 90_000);
  const out: Buffer[] = [Buffer.from(pat), Buffer.from(pmt)];
  const payload = noise(`${seed}/${run}/${sequence}`, packets * PAYLOAD_BYTES);
  for (let index = 0; index < packets; index++) {
    if (index % 4 === 0 || index === packets - 1) out.push(pesPacket(ptsAt(index / packets)));
    const packet = Buffer.alloc(PACKET_BYTES);
    packet.set([0x47, VIDEO_PID >> 8, VIDEO_PID & 0xff, 0x10 | ((index + 1) & 0xf)]);
    payload.copy(packet, 4, index * PAYLOAD_BYTES, (index + 1) * PAYLOAD_BYTES);
    out.push(packet);
  }
  return Buffer.concat(out);
}

/** Bytes that nothing else has, always the same for the same name. */
function noise(name: string, length: number): Buffer {
  const digest = createHash('sha256').update(name).digest();
  const cipher = createCipheriv('aes-128-ctr', digest.subarray(0, 16), digest.subarray(16));
  return cipher.update(Buffer.alloc(length));
}

/** ISO/IEC 13818-1 §2.4.3.6: a PES header with a PTS, at the beginning of a payload. */
function pesPacket(pts: number): Buffer {
  const packet = Buffer.alloc(PACKET_BYTES, 0xff);
  packet.set([0x47, 0x40 | (VIDEO_PID >> 8), VIDEO_PID & 0xff, 0x10]);
  const high = Math.floor(pts / 2 ** 30) & 0x7;
  const middle = Math.floor(pts / 2 ** 15) & 0x7fff;
  const low = pts & 0x7fff;
  packet.set([0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5], 4);
  packet.set(
    [0x21 | (high << 1), middle >> 7, ((middle & 0x7f) << 1) | 1, low >> 7, ((low & 0x7f) << 1) | 1],
    13,
  );
  return packet;
}
