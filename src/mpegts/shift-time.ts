import { packetsOf, pcrAt } from './packet.ts';
import { stampsAt } from './pes.ts';
import { readPcrBase, readStamp, ticks, writePcrBase, writeStamp } from './ticks.ts';

/**
 * The same packets later (or earlier) by `by` ticks: every PTS, DTS and PCR, going on at 0 after 2^33.
 * The rare OPCR, ESCR and splice times stay as they are; players do not read them.
 */
export function shiftTime(stream: Uint8Array, by: number): Buffer {
  const shifted = Buffer.from(stream);
  for (const packet of packetsOf(shifted)) {
    const pcr = pcrAt(packet);
    if (pcr !== undefined) writePcrBase(packet, pcr, ticks(readPcrBase(packet, pcr) + by));
    const stamps = stampsAt(packet);
    if (stamps === undefined) continue;
    for (const at of [stamps.pts, stamps.dts]) {
      if (at !== undefined) writeStamp(packet, at, ticks(readStamp(packet, at) + by));
    }
  }
  return shifted;
}
