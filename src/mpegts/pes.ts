import { PACKET_BYTES, type Packet, payloadAt, startsUnit } from './packet.ts';
import { readStamp, type Ticks } from './ticks.ts';

/** Where in a packet the times of the PES packet that begins there stand. */
export type StampsAt = { readonly pts: number; readonly dts: number | undefined };

/** Streams whose PES packets have no header with times: maps, padding, private_stream_2, ECM, EMM, DSM-CC … */
const WITHOUT_HEADER: ReadonlySet<number> = new Set([0xbc, 0xbe, 0xbf, 0xf0, 0xf1, 0xf2, 0xf8, 0xff]);

/** Where they would stand, be it beyond the packet. */
function stampsFrom(packet: Packet): StampsAt | undefined {
  const at = payloadAt(packet);
  const begins = startsUnit(packet) && packet[at] === 0 && packet[at + 1] === 0 && packet[at + 2] === 1;
  if (!begins || WITHOUT_HEADER.has(packet[at + 3]!)) return undefined;
  const flags = packet[at + 7];
  const present = flags === undefined ? 0b11 : flags >> 6;
  if ((present & 0b10) === 0) return undefined;
  return { pts: at + 9, dts: (present & 0b01) !== 0 ? at + 14 : undefined };
}

const areWithin = ({ pts, dts }: StampsAt): boolean => (dts ?? pts) + 5 <= PACKET_BYTES;

/**
 * Finds PTS and DTS of the PES packet that begins in this packet (ISO/IEC 13818-1 §2.4.3.6); undefined when none begins
 * or it has no times. Throws RangeError when they stand in a later packet, which muxers avoid.
 */
export function stampsAt(packet: Packet): StampsAt | undefined {
  const at = stampsFrom(packet);
  if (at !== undefined && !areWithin(at)) throw new RangeError('the PES header goes on in the next packet');
  return at;
}

/** The times themselves, undefined where they stand in a later packet. A DTS that is not written equals the PTS. */
export function stampsOf(packet: Packet): { readonly pts: Ticks; readonly dts: Ticks } | undefined {
  const at = stampsFrom(packet);
  if (at === undefined || !areWithin(at)) return undefined;
  const pts = readStamp(packet, at.pts);
  return { pts, dts: at.dts === undefined ? pts : readStamp(packet, at.dts) };
}
