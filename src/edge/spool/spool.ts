import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { isName } from '../../media/name.ts';
import type { SegmentRecord } from '../../media/segment-record.ts';
import { type Bytes, type EpochMs, epochMs } from '../../media/units.ts';
import { encodeTrailer, readTrailer, sequenceOf, spoolFileName } from './segment-file.ts';
import { readState, replaceState, syncFolder } from './state-file.ts';
import { Syncs } from './syncs.ts';

/** Where a rendition's segments lie. */
export type Place = { readonly source: string; readonly rendition: string };

/** What the spool tells its operator. */
export interface SpoolEvents {
  spoolTorn(place: Place, fileName: string): void;
  spoolFailed(operation: string, error: Error): void;
}

/** What is kept of each source beside its segments: its numbers, its renditions’ names, what its encoder pushed once. */
const states = ['ledgers', 'renditions', 'pushed'] as const;
type State = (typeof states)[number];
/** When the process that has the spool was alive last, in epoch milliseconds. */
const ALIVE = 'alive';
/** The folder of segments that are being written. */
const ARRIVING = 'arriving';
/** How many files are opened at once while starting. */
const OPEN_AT_ONCE = 16;
/** What segments may take in memory while the disk refuses them. */
const MEMORY_RING_BYTES = 48 * 1024 * 1024;

/**
 * The edge's window on disk. The folder is the index; no database. What is lost with the power is the newest
 * seconds of a window that nobody was promised; what a recording wants is synced, file and then folder.
 */
export class Spool {
  #bytes = 0;
  #temporary = 0;
  #memoryBytes = 0;
  readonly #memory = new Map<string, Buffer>();
  readonly #folders = new Set<string>();
  readonly #syncs = new Syncs();

  private constructor(
    private readonly folder: string,
    /** Random, made with the folder: numbers are unique within one spool. */
    readonly id: string,
    private readonly events: SpoolEvents,
    /** Until when an earlier process was alive, give or take some seconds; undefined where there was none. */
    readonly aliveUntil: EpochMs | undefined,
  ) {}

  static async open(folder: string, events: SpoolEvents): Promise<Spool> {
    await mkdir(join(folder, 'segments'), { recursive: true });
    for (const state of states) await mkdir(join(folder, state), { recursive: true });
    // What an earlier process did not finish.
    await rm(join(folder, ARRIVING), { recursive: true, force: true });
    await mkdir(join(folder, ARRIVING));
    const file = join(folder, 'spool.json');
    const found = (await readState(file)) as { id?: unknown } | undefined;
    if (typeof found?.id === 'string') {
      const aliveUntil = Number(await readFile(join(folder, ALIVE), 'utf8').catch(() => 0));
      return new Spool(folder, found.id, events, aliveUntil > 0 ? epochMs(aliveUntil) : undefined);
    }
    const id = randomBytes(12).toString('base64url');
    await replaceState(file, { id });
    return new Spool(folder, id, events, undefined);
  }

  /** Writes down that this process is alive. What is lost of that with the power is some seconds. */
  async isAlive(now: EpochMs): Promise<void> {
    await writeFile(join(this.folder, ALIVE), String(now)).catch(() => undefined);
  }

  /** Bytes of media on disk and in memory. */
  get bytes(): Bytes {
    return this.#bytes as Bytes;
  }

  get keepFile(): string {
    return join(this.folder, 'keep.json');
  }

  /** Where what is known of a source is kept. */
  stateFile(of: State, source: string): string {
    return join(this.folder, of, `${source}.json`);
  }

  /** What an earlier process left, ascending by number. Torn files are told of and removed. */
  async *recover(): AsyncGenerator<Place & { readonly records: readonly SegmentRecord[] }> {
    for (const source of await namesIn(join(this.folder, 'segments'))) {
      for (const rendition of await namesIn(join(this.folder, 'segments', source))) {
        yield { source, rendition, records: await this.#recoverFolder({ source, rendition }) };
      }
    }
  }

  async #recoverFolder(place: Place): Promise<readonly SegmentRecord[]> {
    const folder = this.#folderOf(place);
    const names = await readdir(folder);
    const records: SegmentRecord[] = [];
    for (let start = 0; start < names.length; start += OPEN_AT_ONCE) {
      const some = names.slice(start, start + OPEN_AT_ONCE);
      const read = await Promise.all(
        some.map((name) =>
          sequenceOf(name) === undefined ? undefined : readTrailer(join(folder, name), name),
        ),
      );
      for (const [index, record] of read.entries()) {
        if (record !== undefined) records.push(record);
        else {
          this.events.spoolTorn(place, some[index]!);
          await unlink(join(folder, some[index]!));
        }
      }
    }
    records.sort((a, b) => a.sequence - b.sequence);
    const unique = records.filter((record, index) => record.sequence !== records[index - 1]?.sequence);
    for (const record of unique) this.#bytes += record.bytes;
    return unique;
  }

  /** A file to write a segment's bytes to while they come, whichever rendition it will be of. Throws ENOSPC and the like. */
  async stage(): Promise<StagedSegment> {
    const path = join(this.folder, ARRIVING, `${++this.#temporary}.tmp`);
    const handle = await open(path, 'w+', 0o600);
    const discard = async () => {
      await handle.close().catch(() => undefined);
      await unlink(path).catch(() => undefined);
    };
    return {
      write: (...chunks) => writeAll(handle, chunks),
      commit: async (place, record, durable) => {
        try {
          await this.#makeFolder(place);
          await handle.write(encodeTrailer(record));
          if (durable) await this.#syncs.run(() => handle.sync());
          await handle.close();
          await rename(path, this.#pathOf(place, record));
          if (durable) await this.#syncs.run(() => syncFolder(this.#folderOf(place)));
        } catch (error) {
          await discard();
          throw error;
        }
        this.#bytes += record.bytes;
      },
      content: () => readFile(path),
      read: (begin, length) => readFully(handle, begin, length),
      discard,
    };
  }

  /** A segment that was committed without it survives a power cut when this resolves. Rejects when its file is gone. */
  async sync(place: Place, record: SegmentRecord): Promise<void> {
    const path = this.#pathOf(place, record);
    if (this.#memory.has(path)) return;
    await this.#syncs.run(async () => {
      const handle = await open(path, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
    await this.#syncs.run(() => syncFolder(this.#folderOf(place)));
  }

  /** Keeps a segment in memory while the disk refuses it. False when that is full, too. */
  keepInMemory(place: Place, record: SegmentRecord, bytes: Buffer): boolean {
    if (this.#memoryBytes + bytes.length > MEMORY_RING_BYTES) return false;
    this.#memory.set(this.#pathOf(place, record), bytes);
    this.#memoryBytes += bytes.length;
    this.#bytes += bytes.length;
    return true;
  }

  /** The bytes of a segment as a stream; its trailer is cut off. */
  stream(place: Place, record: SegmentRecord): Readable {
    const path = this.#pathOf(place, record);
    const inMemory = this.#memory.get(path);
    if (inMemory !== undefined) return Readable.from([inMemory]);
    return createReadStream(path, { end: record.bytes - 1, highWaterMark: 256 * 1024 });
  }

  /** The bytes of a segment as a whole. Rejects when the file is gone or short. */
  read(place: Place, record: SegmentRecord): Promise<Buffer> {
    return this.readPart(place, record, 0, record.bytes);
  }

  /** So many of the bytes that are kept of a segment. Rejects when the file is gone or short. */
  async readPart(place: Place, record: SegmentRecord, begin: number, length: number): Promise<Buffer> {
    const path = this.#pathOf(place, record);
    const inMemory = this.#memory.get(path);
    if (inMemory !== undefined) return inMemory.subarray(begin, begin + length);
    const handle = await open(path, 'r');
    try {
      return await readFully(handle, begin, length);
    } finally {
      await handle.close();
    }
  }

  /** Lets a segment go. */
  drop(place: Place, record: SegmentRecord): void {
    const path = this.#pathOf(place, record);
    this.#bytes -= record.bytes;
    const inMemory = this.#memory.get(path);
    if (inMemory !== undefined) {
      this.#memory.delete(path);
      this.#memoryBytes -= inMemory.length;
      return;
    }
    unlink(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') this.events.spoolFailed('unlink', error);
    });
  }

  async #makeFolder(place: Place): Promise<void> {
    const folder = this.#folderOf(place);
    if (this.#folders.has(folder)) return;
    await mkdir(folder, { recursive: true });
    this.#folders.add(folder);
  }

  #folderOf(place: Place): string {
    return join(this.folder, 'segments', place.source, place.rendition);
  }

  #pathOf(place: Place, record: SegmentRecord): string {
    return join(this.#folderOf(place), spoolFileName(record));
  }
}

/** A segment that is being written. It ends with `commit` or `discard`. */
export type StagedSegment = {
  /** All of them at once, from where they lie. */
  write(...chunks: readonly Uint8Array[]): Promise<void>;
  /** Gives it its name. `durable`: it survives a power cut when this resolves. */
  commit(place: Place, record: SegmentRecord, durable: boolean): Promise<void>;
  /** What was written so far. */
  content(): Promise<Buffer>;
  /** A part of it. Rejects when there is less, and when it has ended. */
  read(begin: number, length: number): Promise<Buffer>;
  discard(): Promise<void>;
};

async function readFully(handle: FileHandle, begin: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, begin + done);
    if (bytesRead === 0) throw new Error('the file is short');
    done += bytesRead;
  }
  return buffer;
}

async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  let left = chunks;
  while (left.length > 0) {
    const { bytesWritten } = await handle.writev(left);
    left = behind(left, bytesWritten);
  }
}

/** What is left of the chunks behind so many bytes of theirs. */
function behind(chunks: readonly Uint8Array[], done: number): readonly Uint8Array[] {
  let skip = done;
  let at = 0;
  while (at < chunks.length && skip >= chunks[at]!.length) skip -= chunks[at++]!.length;
  const left = chunks.slice(at);
  if (skip > 0) left[0] = left[0]!.subarray(skip);
  return left;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() && isName(entry.name)).map((entry) => entry.name);
}

/** Whether the disk refused for lack of room. */
export const isDiskFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException)?.code ?? '');
