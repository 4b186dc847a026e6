import { hasPayload, PACKET_BYTES, packetsOf, pidOf, startsUnit } from '../../../mpegts/packet.ts';
import type { Mp4Input } from './mp4-input.ts';

/** A segment and its bytes, with the end of each PES packet that began in it. */
export type WholeSegment = { readonly input: Mp4Input; readonly bytes: Buffer };

/** Null packets carry nothing; they are no continuation of anything (ISO/IEC 13818-1 §2.4.1). */
const NULL_PID = 0x1fff;

/**
 * The segments with their bytes, each read once, one ahead. Some segmenters cut in the middle of a PES packet; its
 * other packets stand at the head of the next segment, before any that begins a unit of their PID. They are moved back.
 */
export async function* wholeSegments(
  inputs: AsyncIterable<Mp4Input> | Iterable<Mp4Input>,
): AsyncGenerator<WholeSegment> {
  let held: WholeSegment | undefined;
  let isCut = false;
  for await (const each of inputs) {
    let bytes = await each.bytes();
    if (bytes === undefined) {
      isCut = true;
      continue;
    }
    const input = isCut ? { ...each, discontinuity: true } : each;
    isCut = false;
    if (held !== undefined) {
      const split = input.discontinuity ? undefined : splitContinuation(bytes);
      if (split !== undefined) {
        held = { input: held.input, bytes: Buffer.concat([held.bytes, split.continuation]) };
        bytes = split.rest;
      }
      yield held;
    }
    held = { input, bytes };
  }
  if (held !== undefined) yield held;
}

/** Parts the packets that go on with what began before from the others; undefined when there are none. */
export function splitContinuation(
  bytes: Buffer,
): { readonly continuation: Buffer; readonly rest: Buffer } | undefined {
  const begun = new Set<number>([NULL_PID]);
  const moved: Buffer[] = [];
  const kept: Buffer[] = [];
  let at = 0;
  let keptFrom = 0;
  try {
    for (const packet of packetsOf(bytes)) {
      const pid = pidOf(packet);
      if (startsUnit(packet)) begun.add(pid);
      else if (!begun.has(pid) && hasPayload(packet)) {
        moved.push(bytes.subarray(at, at + PACKET_BYTES));
        kept.push(bytes.subarray(keptFrom, at));
        keptFrom = at + PACKET_BYTES;
      }
      at += PACKET_BYTES;
    }
  } catch (error) {
    // Not whole packets: the segment is found unreadable when its turn comes.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  if (moved.length === 0) return undefined;
  return { continuation: Buffer.concat(moved), rest: Buffer.concat([...kept, bytes.subarray(keptFrom)]) };
}
