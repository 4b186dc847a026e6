import type { Bytes, Seconds } from '../media/units.ts';

/**
 * Segments by key, for a while. A key is what `cacheKey` makes.
 *
 * - It never *must* hold anything: whatever is here is somewhere else too, and any `get` may find nothing.
 * - What it gives back is what was put in under that key, byte for byte, or nothing.
 * - No call rejects and none waits longer than 50 ms because of a server; a server in trouble is a miss.
 * - A Buffer that was given or got is shared by many readers: nobody changes it.
 */
export interface SegmentCache {
  /** The value, or undefined when it is not here, has expired, or did not come in time. */
  get(key: string): Promise<Buffer | undefined>;
  /** Keeps the value for `ttl`, at best. One that is too large or that meets a full queue is not kept. */
  set(key: string, value: Buffer, ttl: Seconds): Promise<void>;
  /** Lets a value that is here live for another `ttl`, at best. */
  touch(key: string, ttl: Seconds): Promise<void>;
  /** Lets go of servers and memory. Later calls find nothing and keep nothing. */
  close(): Promise<void>;
}

/** Where a value was looked for. A miss of a server in trouble, or that is not asked, is a miss too. */
export type CacheLayer = 'memory' | 'memcached';

/** What was asked of a server. */
export type CacheOperation = 'get' | 'set' | 'touch' | 'probe';

/** What is worth knowing of a cache: each is a log line, a metric, or both. `server` is `host:port`. */
export interface CacheEvents {
  hit(layer: CacheLayer): void;
  miss(layer: CacheLayer): void;
  /** An operation failed or did not end in time. A get has become a miss, the rest has been dropped. */
  failed(server: string, operation: CacheOperation, error: CacheFailure): void;
  /** A value did not match its integrity tag: a miss. */
  poisoned(key: string): void;
  /** The breaker is open: the server is not asked for a while. */
  opened(server: string): void;
  /** The breaker is closed again: the server answers. */
  closed(server: string): void;
  /** The server takes no values of this size (memcached: start it with a larger `-I`); such are not sent to it. */
  refusedSize(server: string, size: Bytes): void;
}

/** Why an operation on a server failed: one word for metrics, a sentence for the log. */
export class CacheFailure extends Error {
  constructor(
    readonly reason: CacheFailureReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'CacheFailure';
  }
}

/**
 * - `deadline`: no answer in time.
 * - `overloaded`: too much was waiting for this server already; nothing was sent.
 * - `too_large`: the server does not take values of this size.
 * - `refused`: the server answered that it cannot (out of memory).
 * - `connection`: the connection was refused or ended.
 * - `protocol`: the answer made no sense. The connection was given up.
 */
export type CacheFailureReason =
  | 'deadline'
  | 'overloaded'
  | 'too_large'
  | 'refused'
  | 'connection'
  | 'protocol';
