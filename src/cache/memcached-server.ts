import { type Bytes, bytes, MIB, type Millis, millis, type Seconds, seconds } from '../media/units.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { HostPort } from '../runtime/setting-types.ts';
import { Breaker } from './breaker.ts';
import { type Exchange, MemcachedConnection } from './memcached-connection.ts';
import { type CacheEvents, CacheFailure } from './segment-cache.ts';

/** No caller waits longer for a server, connecting included. */
export const DEADLINE = millis(50);
/**
 * While bytes move, a connection is kept even when its callers have left. What was written may still wait in the
 * system's own buffer (some 4 MiB), so an answer to a write may come later on a slow network.
 */
const STALL: Readonly<Record<Lane, Millis>> = { reads: DEADLINE, writes: millis(250) };
/** The probe is awaited by nobody: it may take as long as the largest segment over a slow network. */
const PROBE_DEADLINE = millis(10_000);
const MAX_PENDING_SETS = 16;
const MAX_PENDING_SET_BYTES = 64 * MIB;
const MAX_PENDING_READS = 1024;
/** memcached takes a longer time for a date. */
const LONGEST_TTL = 30 * 24 * 3600;

const CRLF = Buffer.from('\r\n');

type Lane = 'reads' | 'writes';
type Done = { readonly value: Buffer | undefined; readonly line: string };

/**
 * One memcached server: two connections, so that a value that is being stored does not hold up reads; a deadline
 * for every call; a breaker; and a bound on what waits for it. Rejects with `CacheFailure` and nothing else.
 */
export class MemcachedServer {
  readonly name: string;
  readonly #address: HostPort;
  readonly #clock: Clock;
  readonly #events: CacheEvents;
  readonly #breaker: Breaker;
  readonly #longestValue: number;
  readonly #connections = new Map<Lane, MemcachedConnection>();
  #pendingReads = 0;
  #pendingSets = 0;
  #pendingSetBytes = 0;
  /** Values of this size and above are refused by the server, as far as it is known. */
  #refusedFrom = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(
    address: HostPort,
    options: {
      readonly clock: Clock;
      readonly events: CacheEvents;
      readonly random: () => number;
      readonly longestValue: number;
    },
  ) {
    this.name = `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
    this.#address = address;
    this.#clock = options.clock;
    this.#events = options.events;
    this.#longestValue = options.longestValue;
    this.#breaker = new Breaker(options.clock, options.random);
  }

  /** Whether a call would be sent. While it is false, a trial is made now and then, for which nobody waits. */
  get available(): boolean {
    if (this.#closed) return false;
    if (!this.#breaker.isOpen) return true;
    if (this.#breaker.takeTrial()) void this.#try();
    return false;
  }

  /** Whether the server would take a value of this size. */
  takes(size: number): boolean {
    return size < this.#refusedFrom && size <= this.#longestValue;
  }

  async get(key: string): Promise<Buffer | undefined> {
    if (this.#pendingReads >= MAX_PENDING_READS) throw overloaded('reads');
    const { value, line } = await this.#read(key, `get ${key}\r\n`);
    if (line !== 'END') throw new CacheFailure('refused', line);
    return value;
  }

  async touch(key: string, ttl: Seconds): Promise<void> {
    if (this.#pendingReads >= MAX_PENDING_READS) throw overloaded('reads');
    const { line } = await this.#read(undefined, `touch ${key} ${expiry(ttl)}\r\n`);
    if (line !== 'TOUCHED' && line !== 'NOT_FOUND') throw new CacheFailure('refused', line);
  }

  /**
   * Stores `size` bytes, the joined `parts`, which are asked for once it is clear that they are sent. A refusal of
   * their size is remembered and told.
   */
  async set(
    key: string,
    size: number,
    parts: () => readonly Buffer[],
    ttl: Seconds,
    deadline = DEADLINE,
  ): Promise<void> {
    const crowded =
      this.#pendingSets >= MAX_PENDING_SETS || this.#pendingSetBytes + size > MAX_PENDING_SET_BYTES;
    if (crowded) throw overloaded('sets');
    const head = Buffer.from(`set ${key} 0 ${expiry(ttl)} ${size}\r\n`);
    this.#pendingSets++;
    this.#pendingSetBytes += size;
    const left = () => {
      this.#pendingSets--;
      this.#pendingSetBytes -= size;
    };
    const { line } = await this.#ask('writes', undefined, [head, ...parts(), CRLF], deadline, left);
    if (/^SERVER_ERROR object too large/.test(line)) this.#refuse(size);
    if (line !== 'STORED') throw new CacheFailure(this.takes(size) ? 'refused' : 'too_large', line);
  }

  /** Stores and forgets a value of `size` zeros: the server's answer shows whether it takes segments that large. */
  async probe(key: string, size: Bytes): Promise<void> {
    const zeros = Buffer.alloc(Math.min(size, MIB));
    const parts = Array.from({ length: Math.floor(size / MIB) }, () => zeros);
    await this.set(key, size, () => [...parts, zeros.subarray(0, size % MIB)], seconds(1), PROBE_DEADLINE);
  }

  close(): void {
    this.#closed = true;
    this.#drop(new CacheFailure('connection', 'the cache was closed'));
  }

  #read(key: string | undefined, command: string): Promise<Done> {
    this.#pendingReads++;
    return this.#ask('reads', key, [Buffer.from(command)], DEADLINE, () => {
      this.#pendingReads--;
    });
  }

  /**
   * Sends a command and waits until its deadline, not longer. What was not sent by then is never sent; what was
   * goes on, and `left` is called when nothing of it is left.
   */
  #ask(
    lane: Lane,
    key: string | undefined,
    parts: readonly Buffer[],
    deadline: Millis,
    left: () => void,
  ): Promise<Done> {
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined;
      const exchange: Exchange = {
        key,
        parts,
        succeed: (done) => {
          timer?.cancel();
          left();
          this.#answered();
          resolve(done);
        },
        fail: (failure) => {
          timer?.cancel();
          left();
          reject(failure);
        },
      };
      const connection = this.#connection(lane);
      const expire = () => {
        if (connection.cancel(exchange)) left();
        reject(new CacheFailure('deadline', `no answer within ${deadline} ms`));
      };
      // Immediates run after sockets were read: an answer that came while this process was busy still counts.
      timer = this.#clock.after(deadline, () => setImmediate(expire));
      connection.send(exchange);
    });
  }

  #connection(lane: Lane): MemcachedConnection {
    const open = this.#connections.get(lane);
    if (open !== undefined && !open.ended) return open;
    // A server that was restarted may take larger values.
    if (lane === 'writes') this.#refusedFrom = Number.POSITIVE_INFINITY;
    const connection: MemcachedConnection = new MemcachedConnection({
      ...this.#address,
      clock: this.#clock,
      stall: STALL[lane],
      longestValue: this.#longestValue,
      onEnd: (failure) => {
        if (this.#connections.get(lane) === connection) this.#connections.delete(lane);
        if (failure !== undefined) this.#failed();
      },
    });
    this.#connections.set(lane, connection);
    return connection;
  }

  async #try(): Promise<void> {
    try {
      await this.#read(undefined, 'version\r\n');
    } catch (error) {
      if (!(error instanceof CacheFailure)) throw error;
      this.#failed();
      this.#drop(error);
    }
  }

  #answered(): void {
    if (this.#breaker.succeeded()) this.#events.closed(this.name);
  }

  #failed(): void {
    if (this.#closed || !this.#breaker.failed()) return;
    this.#events.opened(this.name);
    this.#drop(new CacheFailure('connection', 'the server is not asked for a while'));
  }

  #drop(failure: CacheFailure): void {
    for (const connection of [...this.#connections.values()]) connection.destroy(failure);
  }

  #refuse(size: number): void {
    if (size >= this.#refusedFrom) return;
    this.#refusedFrom = size;
    this.#events.refusedSize(this.name, bytes(size));
  }
}

const overloaded = (what: string): CacheFailure =>
  new CacheFailure('overloaded', `too many ${what} wait for this server`);

/** Whole seconds, at least one; memcached forgets a value with a negative expiry at once. */
const expiry = (ttl: Seconds): number => (ttl > 0 ? Math.min(Math.ceil(ttl), LONGEST_TTL) : -1);
