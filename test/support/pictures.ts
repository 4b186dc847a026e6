import { isRandomAccess, PACKET_BYTES, packetsOf, pidOf, startsUnit } from '../../src/mpegts/packet.ts';

/** Where ffmpeg puts the picture. */
const VIDEO_PID = 0x100;

/** The first key frame of a transport stream, as EXT-X-BYTERANGE has it: its packets, and what lies between them. */
export function firstPicture(segment: Buffer): string {
  const packets = [...packetsOf(segment)];
  const begins = (from: number, isIt: (packet: Uint8Array) => boolean) =>
    packets.findIndex(
      (packet, at) => at >= from && pidOf(packet) === VIDEO_PID && startsUnit(packet) && isIt(packet),
    );
  const first = begins(0, isRandomAccess);
  const next = begins(first + 1, () => true);
  const end = next < 0 ? packets.length : next;
  return `${(end - first) * PACKET_BYTES}@${first * PACKET_BYTES}`;
}
