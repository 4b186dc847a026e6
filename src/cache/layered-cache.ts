import { type Seconds, seconds } from '../media/units.ts';
import type { SegmentCache } from './segment-cache.ts';

/**
 * How long a value that was found farther away is kept near. A key means the same bytes for ever, so this is
 * no question of truth; the near cache is bounded by its size.
 */
const NEAR_TTL = seconds(600);

/** A near cache (memory) in front of a far one (memcached). However many ask for a key at once, far is asked once. */
export class LayeredCache implements SegmentCache {
  readonly #near: SegmentCache;
  readonly #far: SegmentCache;
  readonly #flights = new Map<string, Promise<Buffer | undefined>>();

  constructor(near: SegmentCache, far: SegmentCache) {
    this.#near = near;
    this.#far = far;
  }

  get(key: string): Promise<Buffer | undefined> {
    const flying = this.#flights.get(key);
    if (flying !== undefined) return flying;
    const flight: Promise<Buffer | undefined> = this.#find(key, () => this.#flights.get(key) === flight);
    this.#flights.set(key, flight);
    return flight;
  }

  async set(key: string, value: Buffer, ttl: Seconds): Promise<void> {
    // A get that is under way may bring what stood there before.
    this.#flights.delete(key);
    await this.#near.set(key, value, ttl);
    await this.#far.set(key, value, ttl);
  }

  async touch(key: string, ttl: Seconds): Promise<void> {
    await this.#near.touch(key, ttl);
    await this.#far.touch(key, ttl);
  }

  async close(): Promise<void> {
    await this.#near.close();
    await this.#far.close();
  }

  async #find(key: string, isCurrent: () => boolean): Promise<Buffer | undefined> {
    try {
      const near = await this.#near.get(key);
      if (near !== undefined) return near;
      const value = await this.#far.get(key);
      if (value !== undefined && isCurrent()) await this.#near.set(key, value, NEAR_TTL);
      return value;
    } finally {
      if (isCurrent()) this.#flights.delete(key);
    }
  }
}
