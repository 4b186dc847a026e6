import { mkdir, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LRUCache } from 'lru-cache';

/** For so many folders it is remembered that they are on disk. */
const REMEMBERED = 1000;

/**
 * The folders of a folder store: made so that they survive a power cut, removed again when nothing is left in
 * them. A folder that a task uses is never removed, nor are those above it.
 */
export class Folders {
  readonly #root: string;
  readonly #sync: (folder: string) => Promise<void>;
  readonly #made = new LRUCache<string, Promise<void>>({ max: REMEMBERED });
  readonly #users = new Map<string, number>();
  readonly #pruning = new Map<string, Promise<void>>();

  /** `sync` brings the names in a folder to the disk. */
  constructor(root: string, sync: (folder: string) => Promise<void>) {
    this.#root = root;
    this.#sync = sync;
  }

  /** Runs a task in a folder that is made before where it is missing. */
  make<T>(folder: string, task: () => Promise<T>): Promise<T> {
    return this.keep(folder, async () => {
      try {
        await this.#make(folder);
        return await task();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
      // Somebody else removed it.
      for (const each of this.#upwards(folder)) this.#made.delete(each);
      await this.#make(folder);
      return task();
    });
  }

  /** Runs a task while nobody here removes the folder. */
  async keep<T>(folder: string, task: () => Promise<T>): Promise<T> {
    const kept = this.#upwards(folder);
    for (const each of kept) this.#users.set(each, (this.#users.get(each) ?? 0) + 1);
    try {
      for (const each of kept) await this.#pruning.get(each);
      return await task();
    } finally {
      for (const each of kept) {
        const left = this.#users.get(each)! - 1;
        if (left === 0) this.#users.delete(each);
        else this.#users.set(each, left);
      }
    }
  }

  /** Removes a folder where nothing is in it, then the one above, and so on. */
  async prune(folder: string): Promise<void> {
    for (const each of this.#upwards(folder)) {
      if (this.#users.has(each) || this.#pruning.has(each)) return;
      this.#made.delete(each);
      const removed = rmdir(each);
      this.#pruning.set(
        each,
        removed.catch(() => undefined),
      );
      try {
        await removed;
      } catch {
        return; // Something is in it.
      } finally {
        this.#pruning.delete(each);
      }
    }
  }

  #make(folder: string): Promise<void> {
    if (folder === this.#root) return Promise.resolve();
    const known = this.#made.get(folder);
    if (known !== undefined) return known;
    const making = this.#makeNow(folder);
    this.#made.set(folder, making);
    making.catch(() => this.#made.delete(folder));
    return making;
  }

  async #makeNow(folder: string): Promise<void> {
    const above = dirname(folder);
    await this.#make(above);
    await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await this.#sync(above);
  }

  /** A folder and those above it, without the root. */
  #upwards(folder: string): string[] {
    const found: string[] = [];
    for (let each = folder; each !== this.#root; each = dirname(each)) found.push(each);
    return found;
  }
}
