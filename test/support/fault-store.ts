import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Seconds } from '../../src/media/units.ts';
import {
  type ListedObject,
  type ObjectFacts,
  type ObjectHead,
  type ObjectStore,
  StoreFailed,
  type StoreTicket,
  type TicketFacts,
} from '../../src/store/object-store.ts';

type Reason = StoreFailed['reason'];

/** What was done with a key, attempts that failed included. `reads` are `stream` and `head`. */
export type KeyCounts = { puts: number; gets: number; reads: number; deletes: number };

/** An object store that can be hurt. Faults come before the inner store is asked, but for `dropAfterPut`. */
export class FaultStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #counts = new Map<string, KeyCounts>();
  #failing: Reason[] = [];
  #isDown = false;
  #delayMs = 0;
  #dropping = 0;
  #underway = 0;
  /** The most operations that were under way at once. */
  mostUnderway = 0;
  /** How many operations failed here. */
  failures = 0;

  constructor(inner: ObjectStore) {
    this.#inner = inner;
  }

  get givesTickets(): boolean {
    return this.#inner.givesTickets;
  }

  /** The next `count` operations fail, after what is to fail already. */
  failNext(count: number, reason: Reason): void {
    this.#failing.push(...Array<Reason>(count).fill(reason));
  }

  /** Every operation fails as `unreachable`, streams that are open too, until `up`. */
  down(): void {
    this.#isDown = true;
  }

  up(): void {
    this.#isDown = false;
    this.#failing = [];
  }

  /** Every operation begins so much later. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** The next `count` puts answer that all is well, and the object is gone. */
  dropAfterPut(count: number): void {
    this.#dropping = count;
  }

  /** What was done with a key so far. */
  countsOf(key: string): Readonly<KeyCounts> {
    return this.#counts.get(key) ?? { puts: 0, gets: 0, reads: 0, deletes: 0 };
  }

  /** What was done with all keys so far. */
  get counts(): Readonly<KeyCounts> {
    const sum: KeyCounts = { puts: 0, gets: 0, reads: 0, deletes: 0 };
    for (const counts of this.#counts.values()) {
      for (const name of ['puts', 'gets', 'reads', 'deletes'] as const) sum[name] += counts[name];
    }
    return sum;
  }

  async put(key: string, body: Buffer | Readable, facts: ObjectFacts): Promise<void> {
    // Until the inner store takes it, nobody else listens.
    if (!Buffer.isBuffer(body)) body.on('error', () => undefined);
    const task = async () => {
      await this.#inner.put(key, body, facts);
      if (this.#dropping === 0) return;
      this.#dropping--;
      await this.#inner.delete(key);
    };
    await this.#operation(key, 'puts', task, () => {
      if (!Buffer.isBuffer(body)) body.destroy();
    });
  }

  get(key: string): Promise<Buffer | undefined> {
    return this.#operation(key, 'gets', () => this.#inner.get(key));
  }

  stream(
    key: string,
    range?: { readonly first: number; readonly last: number },
  ): Promise<Readable | undefined> {
    return this.#operation(key, 'reads', async () => {
      const inner = await this.#inner.stream(key, range);
      return inner && Readable.from(this.#watched(inner), { objectMode: false });
    });
  }

  head(key: string): Promise<ObjectHead | undefined> {
    return this.#operation(key, 'reads', () => this.#inner.head(key));
  }

  delete(key: string): Promise<void> {
    return this.#operation(key, 'deletes', () => this.#inner.delete(key));
  }

  async *list(prefix: string): AsyncGenerator<readonly ListedObject[]> {
    for await (const page of this.#inner.list(prefix)) {
      await this.#fault();
      yield page;
    }
    await this.#fault();
  }

  ticket(key: string, facts: TicketFacts, ttl: Seconds): Promise<StoreTicket | undefined> {
    return this.#inner.ticket(key, facts, ttl);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #operation<T>(
    key: string,
    kind: keyof KeyCounts,
    task: () => Promise<T>,
    failed: () => void = () => undefined,
  ): Promise<T> {
    const counts = { ...this.countsOf(key) };
    counts[kind]++;
    this.#counts.set(key, counts);
    this.#underway++;
    this.mostUnderway = Math.max(this.mostUnderway, this.#underway);
    try {
      await this.#fault().catch((error: unknown) => {
        failed();
        throw error;
      });
      return await task();
    } finally {
      this.#underway--;
    }
  }

  async #fault(): Promise<void> {
    if (this.#delayMs > 0) await sleep(this.#delayMs);
    const reason = this.#isDown ? 'unreachable' : this.#failing.shift();
    if (reason === undefined) return;
    this.failures++;
    throw new StoreFailed(reason, `the test made the store fail: ${reason}`);
  }

  async *#watched(inner: Readable): AsyncGenerator<Buffer> {
    for await (const chunk of inner) {
      if (this.#isDown) throw new StoreFailed('unreachable', 'the test took the store down');
      yield chunk as Buffer;
    }
  }
}
