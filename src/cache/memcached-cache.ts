import assert from 'node:assert';
import { randomUUID } from 'node:crypto';
import { type Bytes, bytes, KIB, MIB, type Seconds } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import type { HostPort } from '../runtime/setting-types.ts';
import { cacheKey, isCacheKey } from './cache-key.ts';
import { integrityTag, openTagged, TAG_BYTES } from './integrity-tag.ts';
import { MemcachedServer } from './memcached-server.ts';
import { rendezvous } from './rendezvous.ts';
import { type CacheEvents, CacheFailure, type CacheOperation, type SegmentCache } from './segment-cache.ts';

/**
 * The largest value that is stored: what a memcached that was started with `-I 32m` takes, whose own header, the
 * key and the integrity tag count too. A larger one passes the cache by.
 */
export const LARGEST_VALUE: Bytes = bytes(32 * MIB - 64 * KIB);

/** Segments on memcached servers that all replicas share. Each key lives on one server. */
export class MemcachedCache implements SegmentCache {
  readonly #servers: readonly MemcachedServer[];
  readonly #names: readonly string[];
  readonly #events: CacheEvents;

  constructor(options: {
    readonly servers: readonly HostPort[];
    readonly clock: Clock;
    readonly events: CacheEvents;
    readonly random?: () => number;
  }) {
    const { clock, events, random = Math.random } = options;
    const longestValue = LARGEST_VALUE + TAG_BYTES;
    this.#servers = options.servers.map(
      (address) => new MemcachedServer(address, { clock, events, random, longestValue }),
    );
    this.#names = this.#servers.map((server) => server.name);
    this.#events = events;
  }

  async get(key: string): Promise<Buffer | undefined> {
    const server = this.#serverOf(key);
    const stored = server.available ? await this.#tolerate(server, 'get', () => server.get(key)) : undefined;
    const value = stored === undefined ? undefined : openTagged(key, stored);
    if (stored !== undefined && value === undefined) this.#events.poisoned(key);
    if (value === undefined) this.#events.miss('memcached');
    else this.#events.hit('memcached');
    return value;
  }

  async set(key: string, value: Buffer, ttl: Seconds): Promise<void> {
    const server = this.#serverOf(key);
    if (!server.available) return;
    await this.#tolerate(server, 'set', async () => {
      const size = value.length + TAG_BYTES;
      if (!server.takes(size)) throw new CacheFailure('too_large', `it does not take ${size} bytes`);
      await server.set(key, size, () => [integrityTag(key, value), value], ttl);
    });
  }

  async touch(key: string, ttl: Seconds): Promise<void> {
    const server = this.#serverOf(key);
    if (server.available) await this.#tolerate(server, 'touch', () => server.touch(key, ttl));
  }

  /**
   * Asks every server, once, whether it takes values of `size`; `refusedSize` tells of one that does not. Resolves
   * when all have answered. What it writes is gone after a second.
   */
  async probe(size: Bytes = LARGEST_VALUE): Promise<void> {
    await Promise.all(
      this.#servers.map((server) => {
        const key = cacheKey('', 'probe', randomUUID());
        return this.#tolerate(server, 'probe', () => server.probe(key, bytes(size + TAG_BYTES)));
      }),
    );
  }

  async close(): Promise<void> {
    for (const server of this.#servers) server.close();
  }

  #serverOf(key: string): MemcachedServer {
    assert(isCacheKey(key), 'a key that cacheKey did not make');
    return this.#servers[rendezvous(this.#names, key)]!;
  }

  /** What fails on a server is told and is nothing to the caller. */
  async #tolerate<T>(
    server: MemcachedServer,
    operation: CacheOperation,
    task: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof CacheFailure)) throw error;
      this.#events.failed(server.name, operation, error);
      return undefined;
    }
  }
}
