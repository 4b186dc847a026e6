import { open } from 'node:fs/promises';
import type { SegmentRecord } from '../../media/segment-record.ts';
import { decodeRecord } from '../../wire/uplink.ts';

/**
 * A segment is one file: its bytes, then its record as JSON, then the length of that JSON (4 bytes, big
 * endian) and a mark. The name tells the order without opening it.
 */
const MARK = Buffer.from('LMR1');
const TAIL_BYTES = 4 + MARK.length;
/** Records are some 400 bytes; one read gets them. */
const LIKELY_TRAILER_BYTES = 2048;

/** `{sequence}-{time}-{duration in ms}-{digest}.{extension}`; a gap has `gap` for its digest. */
export const spoolFileName = (record: SegmentRecord): string =>
  `${record.sequence}-${record.at}-${Math.round(record.duration * 1000)}-${record.digest || 'gap'}.${record.extension}`;

/** The number in a spool file's name, or undefined when it is not one. */
export function sequenceOf(fileName: string): number | undefined {
  const match = /^(\d{1,16})-\d+-\d+-(?:[A-Za-z0-9_-]{43}|gap)\.[a-z0-9]{2,6}$/.exec(fileName);
  return match === null ? undefined : Number(match[1]);
}

/** What is written behind the bytes. */
export function encodeTrailer(record: SegmentRecord): Buffer {
  const json = Buffer.from(JSON.stringify(record));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([json, length, MARK]);
}

/** The record of a spool file, or undefined when the file was torn: a name other than its record says, bytes missing. */
export async function readTrailer(path: string, fileName: string): Promise<SegmentRecord | undefined> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    let tail = await readEnd(handle, size, LIKELY_TRAILER_BYTES);
    if (tail.length < TAIL_BYTES || !tail.subarray(-MARK.length).equals(MARK)) return undefined;
    const length = tail.readUInt32BE(tail.length - TAIL_BYTES);
    if (length + TAIL_BYTES > size) return undefined;
    if (length + TAIL_BYTES > tail.length) tail = await readEnd(handle, size, length + TAIL_BYTES);
    const record = decodeRecord(
      JSON.parse(tail.subarray(tail.length - TAIL_BYTES - length, tail.length - TAIL_BYTES).toString()),
    );
    const whole = record.bytes + length + TAIL_BYTES === size && spoolFileName(record) === fileName;
    return whole ? record : undefined;
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}

async function readEnd(
  handle: Awaited<ReturnType<typeof open>>,
  size: number,
  wanted: number,
): Promise<Buffer> {
  const length = Math.min(size, wanted);
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, size - length);
  return buffer.subarray(0, bytesRead);
}
