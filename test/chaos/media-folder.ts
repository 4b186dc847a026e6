import { mkdir, open, truncate, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { History } from './history.ts';
import { labelOf, type SegmentId } from './segment-bytes.ts';

/** The folder an encoder writes into. What its files hold, and how long, goes into the history. */
export class MediaFolder {
  readonly #holds = new Map<string, SegmentId>();

  constructor(
    readonly path: string,
    private readonly history: History,
  ) {}

  async create(): Promise<void> {
    await mkdir(this.path, { recursive: true });
  }

  /** Writes a whole segment in one go, over whatever bears the name, as ffmpeg does. */
  async write(name: string, segment: SegmentId, bytes: Buffer): Promise<void> {
    await this.begin(name, segment, bytes);
    this.history.add({ type: 'file.whole', segment });
  }

  /** Writes the begin of a segment. */
  async begin(name: string, segment: SegmentId, bytes: Buffer): Promise<void> {
    this.#spoil(name, `written over by ${labelOf(segment)}`);
    await this.#put(name, bytes, 'w');
    this.#holds.set(name, segment);
  }

  /** Writes the rest of it. */
  async complete(name: string, segment: SegmentId, rest: Buffer): Promise<void> {
    await this.#put(name, rest, 'a');
    this.history.add({ type: 'file.whole', segment });
  }

  /** What ffmpeg leaves of files that it lists no more. */
  async truncate(name: string, length = 0): Promise<void> {
    this.#spoil(name, `cut to ${length} bytes`);
    await truncate(join(this.path, name), length);
  }

  async unlink(name: string): Promise<void> {
    this.#spoil(name, 'unlinked');
    await unlink(join(this.path, name));
  }

  /** Which segment a file holds; undefined once it is spoiled. */
  holds(name: string): SegmentId | undefined {
    return this.#holds.get(name);
  }

  /** Noted before it happens: from now on nobody may count on the file. */
  #spoil(name: string, how: string): void {
    const segment = this.#holds.get(name);
    if (segment === undefined) return;
    this.#holds.delete(name);
    this.history.add({ type: 'file.spoiled', segment, how });
  }

  async #put(name: string, bytes: Buffer, flags: 'w' | 'a'): Promise<void> {
    const file = await open(join(this.path, name), flags);
    try {
      await file.writeFile(bytes);
    } finally {
      await file.close();
    }
  }
}
