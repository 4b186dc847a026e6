import { LRUCache } from 'lru-cache';
import type { ByteRange } from '../../../hls/segment-needs.ts';
import { ownBytes } from '../../../media/carried.ts';
import { LiveMixError } from '../../../media/error.ts';
import type { SegmentRecord } from '../../../media/segment-record.ts';
import { bytes, type EpochMs, epochMs, millis } from '../../../media/units.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Place, Spool } from '../../spool/spool.ts';
import { type OpenSegment, type Sighting, SourceUnreadable } from '../open-segment.ts';
import type { PushedFile } from './pushed-file.ts';
import type { PushedSegment } from './receive-segment.ts';
import { MAX_SMALL_BYTES, type SmallFiles } from './small-files.ts';

/** Segments of one source that come at the same time. */
const MAX_ARRIVING = 16;
/** What no playlist has named yet: so many, so large altogether (in times of the largest segment), so long. */
const MAX_WAITING = 64;
const MAX_WAITING_SEGMENTS = 4;
const WAITS_AT_MOST = millis(60_000);
/** Files that are remembered after a playlist took them: what they looked like tells a restart from an old playlist. */
const MAX_REMEMBERED = 1_000;

/** What became of a file that was taken whole. */
type Kept = { readonly place: Place; readonly record: Promise<SegmentRecord | undefined> };

/** The files that an encoder has pushed for one source, by path: those that no playlist has taken yet, and what became of the others. */
export class PushedFiles {
  readonly #files = new Map<string, PushedFile>();
  readonly #arriving = new Set<PushedFile>();
  /** Small files that are being read: whoever asks meanwhile gets the same, and not what had the name before. */
  readonly #reading = new Map<
    string,
    { readonly file: PushedFile | undefined; readonly content: Promise<Buffer> }
  >();
  readonly #sightings = new LRUCache<string, Sighting>({ max: MAX_REMEMBERED });
  readonly #kept = new LRUCache<string, Kept>({ max: MAX_REMEMBERED });

  constructor(
    private readonly clock: Clock,
    private readonly maxSegmentBytes: number,
    private readonly spool: Pick<Spool, 'readPart'>,
    private readonly small: SmallFiles,
  ) {}

  /** Throws `too_many_requests` when too many segments are coming already. */
  refuseTooMany(): void {
    if (this.#arriving.size < MAX_ARRIVING) return;
    const detail = `${MAX_ARRIVING} segments of this source are being pushed at the same time.`;
    throw new LiveMixError('too_many_requests', detail, { retryAfter: 1 });
  }

  /**
   * A file has begun to come; it takes the place of an earlier one of that name. ffmpeg opens one of many segments twice, and
   * fills the second: whichever is heard of first, one that has bytes takes the place of one that has none.
   */
  add(path: string, file: PushedFile, startedAt: EpochMs): void {
    const before = this.#files.get(path);
    this.#files.set(path, file);
    if (before?.arrivedAt !== undefined) before.discard();
    this.#arriving.add(file);
    file.body.begun.then(() => {
      const holder = this.#files.get(path);
      if (holder?.body.isEmpty && holder.arrivedAt === undefined) this.#files.set(path, file);
    });
    const over = (isGood: boolean) => {
      this.#arriving.delete(file);
      if (this.#files.get(path) !== file) return file.discard();
      if (isGood) this.#sightings.set(path, { bytes: bytes(file.size), modifiedAt: startedAt });
      this.#dropOld();
    };
    file.received.then(
      () => over(true),
      () => over(false),
    );
  }

  /** Whether another one of that name has come since. */
  isReplaced(path: string, file: PushedFile): boolean {
    return this.#files.get(path) !== file;
  }

  /** Lets all go but what is needed after a restart. */
  async close(): Promise<void> {
    for (const path of [...this.#files.keys()]) this.#drop(path);
    await this.small.close();
  }

  /**
   * The segment of that name, whole; the caller ends its sink. One that is still coming is waited for. Rejects with
   * `SourceUnreadable`.
   */
  async take(path: string, encrypted: boolean): Promise<PushedSegment> {
    const segment = await this.#take(path);
    if (encrypted || segment.notClear === undefined) return segment;
    await segment.sink.discard();
    throw segment.notClear;
  }

  /** The file that was just taken is being kept as a segment: other playlists may name parts of it. */
  keptAs(path: string, place: Place, record: Promise<SegmentRecord | undefined>): void {
    this.#kept.set(path, { place, record: record.catch(() => undefined) });
  }

  /** Whether a file of that name has come, or is coming, and is still here. */
  has(path: string): boolean {
    return this.#files.has(path) || this.small.has(path);
  }

  /** An init section or a key as a whole; it stays. Rejects with `SourceUnreadable`. */
  async readSmall(path: string): Promise<Buffer> {
    const file = this.#files.get(path);
    const reading = this.#reading.get(path);
    if (reading !== undefined && (file === undefined || file === reading.file)) return reading.content;
    const known = this.small.get(path);
    if (known !== undefined && file === undefined) return known;
    const content = this.#readSmall(path);
    this.#reading.set(path, { file, content });
    try {
      return await content;
    } finally {
      if (this.#reading.get(path)?.content === content) this.#reading.delete(path);
    }
  }

  async #readSmall(path: string): Promise<Buffer> {
    const { sink, bytes } = await this.#take(path);
    try {
      if (bytes > MAX_SMALL_BYTES)
        throw new SourceUnreadable('too_large', 'it is no init section or key', false);
      const content = await sink.content();
      this.small.set(path, content);
      return content;
    } finally {
      await sink.discard();
    }
  }

  /**
   * A file, or a part of it, which stays where it is: of one that is coming when it has come so far, of one that was taken
   * from the segment that it is now. Rejects with `SourceUnreadable`.
   */
  async open(path: string, range: ByteRange | undefined): Promise<OpenSegment> {
    const file = this.#files.get(path);
    if (file !== undefined) return file.open(range);
    const small = this.small.get(path);
    if (small !== undefined)
      return partOf(small.length, epochMs(0), range, async (begin, length) =>
        small.subarray(begin, begin + length),
      );
    const kept = this.#kept.get(path);
    const record = await kept?.record;
    if (kept === undefined || record === undefined)
      throw new SourceUnreadable('missing_at_source', 'the file was not pushed, or is gone', true);
    const { place } = kept;
    const { bytes: size } = ownBytes(record);
    return partOf(size, record.encoder.modifiedAt, range, (begin, length) =>
      this.spool.readPart(place, record, begin, length),
    );
  }

  /** What is known of a file or a part of it, also after it was taken; what is still coming is waited for. */
  async lookAt(path: string, range?: ByteRange): Promise<Sighting | undefined> {
    const file = this.#files.get(path);
    if (range !== undefined && file !== undefined) return file.lookAt(range);
    await file?.whole().catch(() => undefined);
    const seen = this.#sightings.get(path);
    if (range === undefined || seen === undefined) return seen;
    const isThere = range.offset + range.length <= seen.bytes;
    return isThere
      ? { bytes: bytes(range.length), modifiedAt: seen.modifiedAt, fileBytes: seen.bytes }
      : undefined;
  }

  async #take(path: string): Promise<PushedSegment> {
    const file = this.#files.get(path);
    if (file === undefined) throw new SourceUnreadable('missing_at_source', 'it was not pushed', true);
    try {
      const segment = await file.whole();
      if (this.#files.get(path) === file) {
        this.#files.delete(path);
        return segment;
      }
    } catch (error) {
      if (this.#files.get(path) === file) throw error;
    }
    // Another one of that name has come meanwhile, and this one was let go.
    return this.#take(path);
  }

  #drop(path: string): void {
    this.#files.get(path)?.discard();
    this.#files.delete(path);
  }

  #dropOld(): void {
    const oldest = this.clock.monotonic() - WAITS_AT_MOST;
    let waiting = 0;
    for (const file of this.#files.values()) if (file.arrivedAt !== undefined) waiting += file.keptBytes;
    for (const [path, file] of this.#files) {
      if (file.arrivedAt === undefined) continue;
      const fits = this.#files.size <= MAX_WAITING && waiting <= MAX_WAITING_SEGMENTS * this.maxSegmentBytes;
      if (fits && file.arrivedAt >= oldest) continue;
      waiting -= file.keptBytes;
      this.#drop(path);
    }
  }
}

function partOf(
  size: number,
  modifiedAt: EpochMs,
  range: ByteRange | undefined,
  read: (begin: number, length: number) => Promise<Buffer>,
): OpenSegment {
  const { offset, length } = range ?? { offset: 0, length: size };
  if (offset + length > size)
    throw new SourceUnreadable('truncated_at_source', 'the file does not hold that byte range', false);
  return {
    sighting: { bytes: bytes(length), modifiedAt, fileBytes: bytes(size) },
    async *chunks() {
      yield await read(offset, length).catch((error: Error) => {
        throw new SourceUnreadable('missing_at_source', error.message, false);
      });
    },
    unchanged: async () => true,
    close: async () => undefined,
  };
}
