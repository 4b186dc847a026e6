import { PACKET_BYTES, type Packet, payloadAt, pidOf, startsUnit } from './packet.ts';

export const PAT_PID = 0;

/** What a program is made of (ISO/IEC 13818-1 §2.4.4.8). */
export type Program = {
  /** The PID whose packets carry the program's clock. */
  readonly pcrPid: number;
  readonly streams: readonly ElementaryStream[];
};

/** `type` is the stream_type of §2.4.4.9: 0x1b is H.264, 0x0f AAC in ADTS. */
export type ElementaryStream = { readonly pid: number; readonly type: number };

const PROGRAM_ASSOCIATION = 0x00;
const PROGRAM_MAP = 0x02;
const CRC_BYTES = 4;

/** The PIDs of the program map tables, when the packet is a program association table (§2.4.4.3) that it holds whole. */
export function readPat(packet: Packet): readonly number[] | undefined {
  if (pidOf(packet) !== PAT_PID) return undefined;
  const section = sectionOf(packet, PROGRAM_ASSOCIATION);
  if (section === undefined) return undefined;
  const pids: number[] = [];
  for (let at = 8; at + 4 <= section.length - CRC_BYTES; at += 4) {
    const isNetworkTable = section[at] === 0 && section[at + 1] === 0;
    if (!isNetworkTable) pids.push(pidAt(section, at + 2));
  }
  return pids;
}

/** Whether a program map table begins in the packet, be it longer than the packet. */
export function beginsPmt(packet: Packet): boolean {
  const at = sectionAt(packet);
  return at !== undefined && packet[at] === PROGRAM_MAP && (packet[at + 1]! & 0xc0) === 0x80;
}

/** The program, when the packet is a program map table that it holds whole. Ask only of a PID that the PAT names. */
export function readPmt(packet: Packet): Program | undefined {
  const section = sectionOf(packet, PROGRAM_MAP);
  if (section === undefined) return undefined;
  const streams: ElementaryStream[] = [];
  const end = section.length - CRC_BYTES;
  let at = 12 + lengthAt(section, 10);
  while (at + 5 <= end) {
    streams.push({ type: section[at]!, pid: pidAt(section, at + 1) });
    at += 5 + lengthAt(section, at + 3);
  }
  return { pcrPid: pidAt(section, 8), streams };
}

/** Where the section that begins in the packet stands: behind pointer_field (§2.4.4.2). */
function sectionAt(packet: Packet): number | undefined {
  const payload = payloadAt(packet);
  if (!startsUnit(packet) || payload >= PACKET_BYTES) return undefined;
  const at = payload + 1 + packet[payload]!;
  return at + 3 <= PACKET_BYTES ? at : undefined;
}

function sectionOf(packet: Packet, tableId: number): Uint8Array | undefined {
  const at = sectionAt(packet);
  if (at === undefined || packet[at] !== tableId) return undefined;
  const end = at + 3 + lengthAt(packet, at + 1);
  return end <= PACKET_BYTES && end - at >= 12 ? packet.subarray(at, end) : undefined;
}

const pidAt = (bytes: Uint8Array, at: number): number => ((bytes[at]! & 0x1f) << 8) | bytes[at + 1]!;
const lengthAt = (bytes: Uint8Array, at: number): number => ((bytes[at]! & 0x0f) << 8) | bytes[at + 1]!;
