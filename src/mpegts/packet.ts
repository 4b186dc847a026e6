/** One packet of a transport stream: 188 bytes that begin with 0x47 (ISO/IEC 13818-1 §2.4.3.2). */
export type Packet = Uint8Array;

export const PACKET_BYTES = 188;
export const SYNC_BYTE = 0x47;

/** The packets of a stream, as views of its bytes. Throws RangeError when it is not made of whole packets. */
export function* packetsOf(stream: Uint8Array): Generator<Packet> {
  if (stream.length % PACKET_BYTES !== 0) {
    throw new RangeError(`${stream.length} bytes are not whole packets of ${PACKET_BYTES}`);
  }
  for (let at = 0; at < stream.length; at += PACKET_BYTES) {
    if (stream[at] !== SYNC_BYTE) throw new RangeError(`no sync byte at ${at}`);
    yield stream.subarray(at, at + PACKET_BYTES);
  }
}

/** The number of the elementary stream or table the packet belongs to. */
export const pidOf = (packet: Packet): number => ((packet[1]! & 0x1f) << 8) | packet[2]!;

/** payload_unit_start_indicator: a PES packet or a section begins in it. */
export const startsUnit = (packet: Packet): boolean => (packet[1]! & 0x40) !== 0;

export const hasPayload = (packet: Packet): boolean => (packet[3]! & 0x10) !== 0;

const hasAdaptation = (packet: Packet): boolean => (packet[3]! & 0x20) !== 0;

/** The four bits that count a PID's packets that bear payload (§2.4.3.3). */
export const continuityCounter = (packet: Packet): number => packet[3]! & 0x0f;

/** Where the payload begins: 188 when there is none. */
export function payloadAt(packet: Packet): number {
  if (!hasPayload(packet)) return PACKET_BYTES;
  return hasAdaptation(packet) ? Math.min(PACKET_BYTES, 5 + packet[4]!) : 4;
}

/** The flags of the adaptation field (§2.4.3.4), 0 when it has none. */
const adaptationFlags = (packet: Packet): number =>
  hasAdaptation(packet) && packet[4]! > 0 ? packet[5]! : 0;

/** random_access_indicator: decoding can begin here; of video, a keyframe. */
export const isRandomAccess = (packet: Packet): boolean => (adaptationFlags(packet) & 0x40) !== 0;

/** Where the program clock reference stands, or undefined. */
export const pcrAt = (packet: Packet): number | undefined =>
  (adaptationFlags(packet) & 0x10) !== 0 ? 6 : undefined;
