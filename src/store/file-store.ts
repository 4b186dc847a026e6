import { type FileHandle, link, mkdir, open, readFile, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { bytes } from '../media/units.ts';
import { checkKey, checkPrefix, checkRange } from './check-key.ts';
import { CheckedBody, checkBuffer } from './checked-body.ts';
import { onDisk, unlessAbsent } from './file-failure.ts';
import { listFiles } from './file-walk.ts';
import { Folders } from './folders.ts';
import {
  type ListedObject,
  ObjectExists,
  type ObjectFacts,
  type ObjectHead,
  type ObjectStore,
  StoreFailed,
  type StoreTicket,
} from './object-store.ts';
import { Slots } from './slots.ts';
import type { StoreEvents, StoreOperation } from './store-events.ts';
import { TEMPORARY_FOLDER, TemporaryFiles } from './temporary-files.ts';

/** More would leave none of the four threads that all files of the process share. */
const SYNCS_AT_ONCE = 2;
const SYNCS_WAITING = 10_000;

type Events = Pick<StoreEvents, 'failed'>;

/**
 * Objects as files of a folder; the key is the path. An object is written to a file in `~tmp`, synced, and then
 * given its name, so that it appears as a whole. A key cannot go on where another one ends (`a` and `a/b`), and
 * one name of it is as long as the file system lets it be (255). The file system needs hard links.
 */
export class FileStore implements ObjectStore {
  readonly givesTickets = false;
  readonly #root: string;
  readonly #events: Events;
  readonly #temporary: TemporaryFiles;
  readonly #syncs: Slots;
  readonly #folders: Folders;

  private constructor(root: string, events: Events, temporary: TemporaryFiles, syncs: Slots) {
    this.#root = root;
    this.#events = events;
    this.#temporary = temporary;
    this.#syncs = syncs;
    this.#folders = new Folders(root, (folder) => syncFolder(folder, syncs));
  }

  /** Makes the folder where it is missing; removes what a process that was killed did not finish. */
  static async open(root: string, events: Events): Promise<FileStore> {
    const syncs = new Slots(SYNCS_AT_ONCE, SYNCS_WAITING);
    const folder = join(root, TEMPORARY_FOLDER);
    const first = await onDisk(mkdir(folder, { recursive: true }));
    if (first !== undefined) {
      for (let made = folder; made.length >= first.length; made = dirname(made)) {
        await onDisk(syncFolder(dirname(made), syncs));
      }
    }
    return new FileStore(root, events, await onDisk(TemporaryFiles.open(folder)), syncs);
  }

  async put(key: string, body: Buffer | Readable, facts: ObjectFacts): Promise<void> {
    checkKey(key);
    await this.#told('put', async () => {
      const temporary = this.#temporary.next();
      try {
        await this.#write(temporary, body, facts);
        await onDisk(this.#name(temporary, join(this.#root, key), facts.replace === true));
      } finally {
        await rm(temporary, { force: true }).catch(() => undefined); // Removed at the next start then.
      }
    });
  }

  async get(key: string): Promise<Buffer | undefined> {
    checkKey(key);
    return this.#told('get', () => this.#orAway(onDisk(unlessAbsent(readFile(join(this.#root, key))))));
  }

  async stream(
    key: string,
    range?: { readonly first: number; readonly last: number },
  ): Promise<Readable | undefined> {
    checkKey(key);
    checkRange(range);
    return this.#told('stream', async () => {
      const handle = await this.#orAway(onDisk(unlessAbsent(openFile(join(this.#root, key)))));
      return handle?.createReadStream(range && { start: range.first, end: range.last });
    });
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    checkKey(key);
    const found = await this.#told('head', () =>
      this.#orAway(onDisk(unlessAbsent(stat(join(this.#root, key))))),
    );
    return found?.isFile() ? { bytes: bytes(found.size) } : undefined;
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    const file = join(this.#root, key);
    const folder = dirname(file);
    const remove = async () => {
      const isRemoved = unlink(file).then(() => true as const);
      await this.#orAway(unlessAbsent(isRemoved));
      // Also where it is gone: another may have removed it and not brought that to the disk yet.
      await unlessAbsent(syncFolder(folder, this.#syncs));
    };
    await this.#told('delete', () => onDisk(this.#folders.keep(folder, remove)));
    await this.#folders.prune(folder);
  }

  async *list(prefix: string): AsyncGenerator<readonly ListedObject[]> {
    checkPrefix(prefix);
    const pages = listFiles(this.#root, prefix);
    await this.#told('list', () => this.#orAway(Promise.resolve(undefined)));
    for (;;) {
      const { value, done } = await this.#told('list', () => onDisk(pages.next()));
      if (done === true) return;
      yield value;
    }
  }

  async ticket(): Promise<StoreTicket | undefined> {
    return undefined;
  }

  async close(): Promise<void> {}

  /** Writes a file that is on disk when it resolves, but for its name. */
  async #write(file: string, body: Buffer | Readable, facts: ObjectFacts): Promise<void> {
    if (Buffer.isBuffer(body)) checkBuffer(body, facts);
    const handle = await onDisk(open(file, 'wx'));
    try {
      if (Buffer.isBuffer(body)) await onDisk(handle.writeFile(body));
      else {
        // Only errors of the file are the store's; those of the body are passed on.
        await pipeline(body, new CheckedBody(facts), async (chunks: AsyncIterable<Buffer>) => {
          for await (const chunk of chunks) await onDisk(handle.writeFile(chunk));
        });
      }
      await onDisk(this.#syncs.run(() => handle.sync()));
    } finally {
      await handle.close();
    }
  }

  /** Gives a finished file its name. */
  async #name(temporary: string, file: string, replace: boolean): Promise<void> {
    const folder = dirname(file);
    await this.#folders.make(folder, async () => {
      if (replace) await rename(temporary, file);
      else await link(temporary, file).catch(refuse(file));
      try {
        await syncFolder(folder, this.#syncs);
      } catch (error) {
        // It was not put, so it must not be in the way of the next try.
        if (!replace) await unlink(file).catch(() => undefined);
        throw error;
      }
    });
  }

  /** What is not there is only absent while the store itself is there: its disk may not be mounted. */
  async #orAway<T>(looking: Promise<T | undefined>): Promise<T | undefined> {
    const found = await looking;
    if (found === undefined && !(await this.#isThere())) {
      throw new StoreFailed('unreachable', 'the folder of the store is not there');
    }
    return found;
  }

  async #isThere(): Promise<boolean> {
    return (await onDisk(unlessAbsent(stat(join(this.#root, TEMPORARY_FOLDER))))) !== undefined;
  }

  async #told<T>(operation: StoreOperation, task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      if (error instanceof StoreFailed) this.#events.failed(operation, error.reason);
      throw error;
    }
  }
}

const refuse = (file: string) => async (error: NodeJS.ErrnoException) => {
  if (error.code === 'EEXIST' && (await stat(file)).isFile()) {
    throw new ObjectExists('there is an object of this key', { cause: error });
  }
  throw error;
};

/** Opens what is a file; undefined where it is something else. */
async function openFile(path: string): Promise<FileHandle | undefined> {
  const handle = await open(path, 'r');
  const isFile = await handle.stat().then(
    (found) => found.isFile(),
    () => false,
  );
  if (isFile) return handle;
  await handle.close();
  return undefined;
}

async function syncFolder(folder: string, syncs: Slots): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await syncs.run(() => handle.sync());
  } finally {
    await handle.close();
  }
}
