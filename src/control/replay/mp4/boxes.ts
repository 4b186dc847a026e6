/** A box of ISO/IEC 14496-12 §4.2: its four letters and what is in it. */
export type Box = { readonly type: string; readonly body: Buffer; readonly at: number };

const HEADER_BYTES = 8;
/** Boxes that hold nothing but boxes. */
const CONTAINERS: ReadonlySet<string> = new Set(['moov', 'trak', 'mdia']);
/** Seconds from 1904, where the clock of MP4 begins, to 1970. */
const FROM_1904 = 2_082_844_800;
/** version and flags of a full box, version 1: times are 64 bits long. */
const VERSION_1 = 1;

/** The boxes that stand one behind the other in some bytes. */
export function* boxesOf(bytes: Buffer): Generator<Box> {
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    if (size < HEADER_BYTES || at + size > bytes.length) throw new RangeError(`no box at ${at}`);
    const type = bytes.toString('latin1', at + 4, at + HEADER_BYTES);
    yield { type, body: bytes.subarray(at + HEADER_BYTES, at + size), at };
    at += size;
  }
}

/** Prints a box. */
export function box(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(parts.reduce((sum, part) => sum + part.length, HEADER_BYTES));
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, ...parts]);
}

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};
export const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(Math.max(0, Math.round(value))));
  return bytes;
};

/**
 * The movie header with the duration and the date of creation in it. A fragmented file says 0 there and players then
 * take it for a live stream that cannot be wound: the duration is written where ffmpeg and Chromium look for it (mvhd,
 * tkhd, mdhd) and where the standard wants it (mehd).
 */
export function withDuration(header: Buffer, seconds: number, createdAtMs: number): Buffer {
  const created = u64(Math.floor(createdAtMs / 1000) + FROM_1904);
  let movieScale = 0;
  const rewrite = (bytes: Buffer): Buffer[] =>
    [...boxesOf(bytes)].map(({ type, body }) => {
      if (CONTAINERS.has(type)) return box(type, ...rewrite(body));
      if (type === 'mvex') return box(type, mehd(seconds * movieScale), ...without('mehd', body));
      if (type === 'mvhd') movieScale = scaleOf(body);
      if (type === 'mvhd' || type === 'mdhd') {
        const scale = scaleOf(body);
        return box(
          type,
          asVersion1(body),
          created,
          created,
          u32(scale),
          u64(seconds * scale),
          restOf(body, 8),
        );
      }
      if (type === 'tkhd') {
        const track = body.subarray(datesEnd(body), datesEnd(body) + 8);
        return box(
          type,
          asVersion1(body),
          created,
          created,
          track,
          u64(seconds * movieScale),
          restOf(body, 12),
        );
      }
      return box(type, body);
    });
  return Buffer.concat(rewrite(header));
}

const without = (type: string, bytes: Buffer): Buffer[] =>
  [...boxesOf(bytes)].filter((inner) => inner.type !== type).map((inner) => box(inner.type, inner.body));

const mehd = (duration: number): Buffer => box('mehd', Buffer.from([VERSION_1, 0, 0, 0]), u64(duration));

/** Creation and modification time are 4 bytes long each, 8 in version 1. */
const datesEnd = (body: Buffer): number => (body[0] === VERSION_1 ? 20 : 12);
const scaleOf = (body: Buffer): number => body.readUInt32BE(datesEnd(body));
const asVersion1 = (body: Buffer): Buffer => Buffer.from([VERSION_1, body[1]!, body[2]!, body[3]!]);
/** What follows the duration; `bytes` is what lies between the dates and its end in version 0. */
const restOf = (body: Buffer, bytes: number): Buffer =>
  body.subarray(datesEnd(body) + bytes + (body[0] === VERSION_1 ? 4 : 0));
