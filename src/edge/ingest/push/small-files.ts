import { readFile, rename, writeFile } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { MIB } from '../../../media/units.ts';

/** How many are remembered, and their size altogether. */
const MAX_SMALL = 64;
export const MAX_SMALL_BYTES = MIB;

/**
 * Init sections and keys that a playlist named, by path. An encoder sends them once: they are needed as long as it lives,
 * also over a restart of its edge. Kept in one file, as base64; what of it goes with the power its encoder must send again.
 */
export class SmallFiles {
  readonly #files = new LRUCache<string, Buffer>({
    max: MAX_SMALL,
    maxSize: MAX_SMALL_BYTES,
    sizeCalculation: (content) => content.length || 1,
  });
  #writing: Promise<void> | undefined;
  #changed = false;

  private constructor(private readonly file: string) {}

  /** None yet. */
  static empty(file: string): SmallFiles {
    return new SmallFiles(file);
  }

  /** Those that an earlier process left; undefined where there are none. */
  static async left(file: string): Promise<SmallFiles | undefined> {
    const files = new SmallFiles(file);
    try {
      const left = JSON.parse(await readFile(file, 'utf8')) as Record<string, string>;
      for (const [path, content] of Object.entries(left))
        files.#files.set(path, Buffer.from(content, 'base64'));
    } catch {
      return undefined;
    }
    return files;
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  get(path: string): Buffer | undefined {
    return this.#files.get(path);
  }

  set(path: string, content: Buffer): void {
    if (this.#files.get(path)?.equals(content) === true) return;
    this.#files.set(path, content);
    this.#changed = true;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when what is being written is written. */
  async close(): Promise<void> {
    await this.#writing;
  }

  /** Where the disk refuses it, a restart of the edge forgets them. */
  async #write(): Promise<void> {
    while (this.#changed) {
      this.#changed = false;
      const all = [...this.#files.entries()].reverse();
      const text = JSON.stringify(
        Object.fromEntries(all.map(([path, content]) => [path, content.toString('base64')])),
      );
      try {
        await writeFile(`${this.file}.tmp`, text, { mode: 0o600 });
        await rename(`${this.file}.tmp`, this.file);
      } catch {
        return;
      }
    }
  }
}
