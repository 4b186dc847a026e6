import { LRUCache } from 'lru-cache';
import { type Bytes, MIB, type Seconds } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import type { CacheEvents, SegmentCache } from './segment-cache.ts';

/** What an entry costs beside its bytes, so that many tiny values are bounded too. */
const ENTRY_BYTES = 256;

/** The most recently used segments in this process, at most `max` bytes of them. */
export class MemoryCache implements SegmentCache {
  readonly #entries: LRUCache<string, Buffer>;
  readonly #events: CacheEvents;
  #closed = false;

  constructor(options: { readonly max: Bytes; readonly clock: Clock; readonly events: CacheEvents }) {
    this.#events = options.events;
    this.#entries = new LRUCache({
      maxSize: Math.max(MIB, options.max),
      sizeCalculation: (value) => value.length + ENTRY_BYTES,
      perf: { now: () => options.clock.monotonic() },
      ttlResolution: 0,
    });
  }

  async get(key: string): Promise<Buffer | undefined> {
    const value = this.#entries.get(key);
    if (value === undefined) this.#events.miss('memory');
    else this.#events.hit('memory');
    return value;
  }

  async set(key: string, value: Buffer, ttl: Seconds): Promise<void> {
    if (ttl > 0 && !this.#closed) this.#entries.set(key, value, { ttl: Math.ceil(ttl * 1000) });
    else this.#entries.delete(key);
  }

  async touch(key: string, ttl: Seconds): Promise<void> {
    const value = this.#entries.get(key);
    if (value !== undefined) await this.set(key, value, ttl);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#entries.clear();
  }
}
