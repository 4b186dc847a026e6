import { hasPayload, packetsOf, pidOf } from './packet.ts';

/** How many packets with payload each PID has: so far its continuity counter goes on. */
export type PayloadCounts = ReadonlyMap<number, number>;

export function countPayloads(stream: Uint8Array): PayloadCounts {
  const counts = new Map<number, number>();
  for (const packet of packetsOf(stream)) {
    if (hasPayload(packet)) counts.set(pidOf(packet), (counts.get(pidOf(packet)) ?? 0) + 1);
  }
  return counts;
}

/**
 * The same packets with the continuity counters that follow `before`, the payloads each PID has had: a packet with
 * payload counts one up, one without repeats the last (ISO/IEC 13818-1 §2.4.3.3). A PID not in `before` begins at 0.
 */
export function continueCounters(stream: Uint8Array, before: PayloadCounts): Buffer {
  const continued = Buffer.from(stream);
  const counts = new Map(before);
  for (const packet of packetsOf(continued)) {
    const pid = pidOf(packet);
    const had = counts.get(pid) ?? 0;
    const counter = hasPayload(packet) ? had : had - 1;
    packet[3] = (packet[3]! & 0xf0) | (((counter % 16) + 16) % 16);
    if (hasPayload(packet)) counts.set(pid, had + 1);
  }
  return continued;
}
