import type { Readable } from 'node:stream';
import type { Clock } from '../runtime/clock.ts';
import { MemoryStore } from './memory-store.ts';
import { type ObjectFacts, type ObjectStore, StoreFailed, type StoreTicket } from './object-store.ts';

/** A store in memory that can be taken down, and counts what is asked of it, what fails included. */
export class HurtStore implements ObjectStore {
  readonly counts = { puts: 0, gets: 0 };
  readonly #inner: MemoryStore;
  #isDown = false;
  #failing = 0;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#inner = new MemoryStore(clock);
  }

  /** Every operation fails until `up`. */
  down(): void {
    this.#isDown = true;
  }

  up(): void {
    this.#isDown = false;
  }

  /** The next `count` operations fail. */
  failNext(count: number): void {
    this.#failing = count;
  }

  get givesTickets(): boolean {
    return false;
  }

  async put(key: string, body: Buffer | Readable, facts: ObjectFacts): Promise<void> {
    this.counts.puts += 1;
    this.#fault();
    await this.#inner.put(key, body, facts);
  }

  async get(key: string): Promise<Buffer | undefined> {
    this.counts.gets += 1;
    this.#fault();
    return this.#inner.get(key);
  }

  async stream(key: string, range?: { readonly first: number; readonly last: number }) {
    this.#fault();
    return this.#inner.stream(key, range);
  }

  async head(key: string) {
    this.#fault();
    return this.#inner.head(key);
  }

  async delete(key: string): Promise<void> {
    this.#fault();
    await this.#inner.delete(key);
  }

  async *list(prefix: string) {
    this.#fault();
    yield* this.#inner.list(prefix);
  }

  async ticket(_key: string): Promise<StoreTicket | undefined> {
    return undefined;
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #fault(): void {
    if (!this.#isDown && this.#failing === 0) return;
    this.#failing = Math.max(0, this.#failing - 1);
    throw new StoreFailed('unreachable', 'the test took the store down');
  }
}
