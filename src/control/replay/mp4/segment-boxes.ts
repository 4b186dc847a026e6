/** A box that a segment consists of: its four letters, and all of its bytes. */
export type SegmentBox = { readonly type: string; readonly bytes: Buffer };

const SHORT_HEADER = 8;
const LONG_HEADER = 16;

/**
 * The boxes of a segment, of any length (ISO/IEC 14496-12 §4.2: a size of 1 is said behind the letters, one of 0 goes to the end).
 * Throws RangeError where the bytes are not whole boxes.
 */
export function* boxesOfSegment(bytes: Buffer): Generator<SegmentBox> {
  for (let at = 0; at < bytes.length; ) {
    const short = bytes.readUInt32BE(at);
    const size =
      short === 0
        ? bytes.length - at
        : short === 1
          ? Number(bytes.readBigUInt64BE(at + SHORT_HEADER))
          : short;
    if (size < (short === 1 ? LONG_HEADER : SHORT_HEADER) || at + size > bytes.length)
      throw new RangeError(`no box at ${at}`);
    yield { type: bytes.toString('latin1', at + 4, at + SHORT_HEADER), bytes: bytes.subarray(at, at + size) };
    at += size;
  }
}
