import { Readable } from 'node:stream';
import { bytes, type EpochMs } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import { checkKey, checkPrefix, checkRange } from './check-key.ts';
import { collectBody } from './checked-body.ts';
import {
  type ListedObject,
  ObjectExists,
  type ObjectFacts,
  type ObjectHead,
  type ObjectStore,
  type StoreTicket,
} from './object-store.ts';

const PAGE = 1000;

/** Objects in the memory of this process: for tests. */
export class MemoryStore implements ObjectStore {
  readonly givesTickets = false;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #objects = new Map<string, { readonly body: Buffer; readonly at: EpochMs }>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  async put(key: string, body: Buffer | Readable, facts: ObjectFacts): Promise<void> {
    checkKey(key);
    const whole = await collectBody(body, facts);
    if (facts.replace !== true && this.#objects.has(key)) throw new ObjectExists(`${key} is there already`);
    this.#objects.set(key, { body: whole, at: this.#clock.now() });
  }

  async get(key: string): Promise<Buffer | undefined> {
    checkKey(key);
    const found = this.#objects.get(key);
    return found && Buffer.from(found.body);
  }

  async stream(
    key: string,
    range?: { readonly first: number; readonly last: number },
  ): Promise<Readable | undefined> {
    checkRange(range);
    const body = await this.get(key);
    if (body === undefined) return undefined;
    const wanted = range === undefined ? body : body.subarray(range.first, range.last + 1);
    return Readable.from(wanted.length === 0 ? [] : [wanted], { objectMode: false });
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    checkKey(key);
    const found = this.#objects.get(key);
    return found && { bytes: bytes(found.body.length) };
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    this.#objects.delete(key);
  }

  async *list(prefix: string): AsyncGenerator<readonly ListedObject[]> {
    checkPrefix(prefix);
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    for (let start = 0; start < keys.length; start += PAGE) {
      const page = keys.slice(start, start + PAGE).flatMap((key) => {
        const found = this.#objects.get(key);
        return found ? [{ key, bytes: bytes(found.body.length), modifiedAt: found.at }] : [];
      });
      if (page.length > 0) yield page;
    }
  }

  async ticket(): Promise<StoreTicket | undefined> {
    return undefined;
  }

  async close(): Promise<void> {}
}
