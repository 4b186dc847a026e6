import { setMaxListeners } from 'node:events';
import { type Millis, millis } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import { fullJitter, type Random } from '../runtime/retry.ts';
import { ObjectExists, StoreFailed } from './object-store.ts';
import { Slots } from './slots.ts';
import { StoreBreaker } from './store-breaker.ts';
import type { StoreEvents, StoreOperation } from './store-events.ts';

const AT_ONCE = 8;
const WAITING = 1000;
const TRIES = 3;
/** A request that took longer is not made again here: whoever wants it has waited enough. */
const TRY_AGAIN_WITHIN = 5000;

/**
 * How requests reach the store: eight at once, the others wait; a failure is tried again where that does no harm,
 * three tries in all; a store that keeps failing is left alone for a while.
 */
export class S3Requests {
  readonly #clock: Clock;
  readonly #events: StoreEvents;
  readonly #random: Random;
  readonly #slots = new Slots(AT_ONCE, WAITING);
  readonly #breaker: StoreBreaker;
  readonly #closing = new AbortController();

  constructor(tools: { readonly clock: Clock; readonly events: StoreEvents; readonly random: Random }) {
    this.#clock = tools.clock;
    this.#events = tools.events;
    this.#random = tools.random;
    this.#breaker = new StoreBreaker(tools.clock);
    setMaxListeners(0, this.#closing.signal); // Each stream that is open listens.
  }

  /** Aborts when the store is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * The task makes one request. It throws `StoreFailed` where the store failed, and what it likes where the body or
   * the caller did. `repeats` says whether a failed request may be made again.
   */
  async run<T>(
    operation: StoreOperation,
    task: () => Promise<T>,
    repeats: (failure: StoreFailed) => boolean = () => true,
  ): Promise<T> {
    const start = this.#clock.monotonic();
    const pauses = fullJitter({ ...pauseBounds, random: this.#random });
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#slots.run(() => this.#once(operation, task));
      } catch (error) {
        if (!(error instanceof StoreFailed)) throw error;
        const late = this.#clock.monotonic() - start > TRY_AGAIN_WITHIN;
        if (attempt === TRIES || late || this.#breaker.isOpen || !passes(error) || !repeats(error))
          throw error;
      }
      await this.#clock.sleep(pauses.next().value, this.closing);
    }
  }

  close(): void {
    this.#closing.abort();
  }

  async #once<T>(operation: StoreOperation, task: () => Promise<T>): Promise<T> {
    if (this.closing.aborted) throw new StoreFailed('unreachable', 'The store is closed.');
    if (!this.#breaker.admit()) throw new StoreFailed('unreachable', 'The store failed too often just now.');
    try {
      const value = await task();
      this.#answered();
      return value;
    } catch (error) {
      if (error instanceof ObjectExists) this.#answered();
      if (!(error instanceof StoreFailed)) throw error;
      this.#events.failed(operation, error.reason);
      if (!passes(error)) this.#answered();
      else if (this.#breaker.failed()) this.#events.opened();
      throw error;
    }
  }

  #answered(): void {
    if (this.#breaker.answered()) this.#events.closed();
  }
}

const pauseBounds: { first: Millis; base: Millis; ceiling: Millis } = {
  first: millis(200),
  base: millis(500),
  ceiling: millis(1000),
};

/** Whether a failure is of the kind that passes by itself. */
const passes = ({ reason }: StoreFailed): boolean => reason === 'unreachable' || reason === 'slow_down';
