import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, ownIdentity, type ProcessIdentity } from '../runtime/process-identity.ts';

/** Holds what is being written. No key has a `~`, so that it is no object's folder. */
export const TEMPORARY_FOLDER = '~tmp';

/** Names for files that are being written, each of which says which process writes it. */
export class TemporaryFiles {
  readonly #folder: string;
  readonly #own: ProcessIdentity;

  private constructor(folder: string, own: ProcessIdentity) {
    this.#folder = folder;
    this.#own = own;
  }

  /** Clears the folder, which is there, of what dead processes left. */
  static async open(folder: string): Promise<TemporaryFiles> {
    const own = await ownIdentity();
    for (const name of await readdir(folder)) {
      const writer = writerOf(name);
      const lives = writer !== undefined && (await isAlive(writer, own)) === 'alive';
      if (!lives) await rm(join(folder, name), { recursive: true, force: true });
    }
    return new TemporaryFiles(folder, own);
  }

  /** A path that no other file has. */
  next(): string {
    const { pid, startedAt, namespace, boot } = this.#own;
    const random = randomBytes(9).toString('base64url');
    return join(this.#folder, `${pid}~${startedAt}~${namespace}~${boot}~${random}.tmp`);
  }
}

function writerOf(name: string): ProcessIdentity | undefined {
  const [pid, startedAt, namespace, boot, random] = name.split('~');
  if (!/^\d{1,10}$/.test(pid ?? '') || !startedAt || !namespace || !boot || !random) return undefined;
  return { pid: Number(pid), startedAt, namespace, boot };
}
