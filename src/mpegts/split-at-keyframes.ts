import { isRandomAccess, type Packet, packetsOf, pidOf, startsUnit } from './packet.ts';
import { type Program, readPat, readPmt } from './tables.ts';

/** stream_type of the video that HLS knows: MPEG-1, MPEG-2, MPEG-4, H.264, HEVC. */
const VIDEO_TYPES: ReadonlySet<number> = new Set([0x01, 0x02, 0x10, 0x1b, 0x24]);

/** A clip cut up so that playing can begin with any of its segments. */
export type SplitClip = {
  readonly videoPid: number;
  /** Each begins with PAT and PMT, and then the keyframe (RFC 8216 §3.2). */
  readonly segments: readonly Buffer[];
};

/**
 * Cuts a clip of one program before each keyframe of its video. The tables stand once, at the head of each segment;
 * the clip's other copies, the SDT and padding are left out, and so is what precedes the first keyframe.
 * Throws RangeError when there is no PAT, PMT, video or keyframe.
 */
export function splitAtKeyframes(clip: Uint8Array): SplitClip {
  const { pat, pmt, program } = findTables(clip);
  const videoPid = program.streams.find((stream) => VIDEO_TYPES.has(stream.type))?.pid;
  if (videoPid === undefined) throw new RangeError('the clip has no video');
  const kept = new Set([program.pcrPid, ...program.streams.map((stream) => stream.pid)]);

  const segments: Packet[][] = [];
  for (const packet of packetsOf(clip)) {
    const pid = pidOf(packet);
    if (!kept.has(pid)) continue;
    if (pid === videoPid && startsUnit(packet) && isRandomAccess(packet)) segments.push([pat, pmt]);
    segments.at(-1)?.push(packet);
  }
  if (segments.length === 0) throw new RangeError('the clip has no keyframe');
  return { videoPid, segments: segments.map((packets) => Buffer.concat(packets)) };
}

function findTables(clip: Uint8Array): { pat: Packet; pmt: Packet; program: Program } {
  let pat: Packet | undefined;
  let pmtPids: readonly number[] = [];
  for (const packet of packetsOf(clip)) {
    const named = readPat(packet);
    if (named !== undefined) {
      pat = packet;
      pmtPids = named;
    }
    if (pat === undefined || !pmtPids.includes(pidOf(packet))) continue;
    const program = readPmt(packet);
    if (program !== undefined) return { pat, pmt: packet, program };
  }
  throw new RangeError('the clip has no PAT and PMT');
}
