import { type Millis, millis } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';

const FAILURES_TO_OPEN = 10;
const COUNTED_FOR = 30_000;
const PAUSE = 5000;

/**
 * Keeps requests from a store in trouble. *Closed*: all may go. *Open*, after ten failures within 30 s: none may,
 * for 5 s; then one is let through as a probe. An answer closes the breaker, a failure opens it for another 5 s.
 */
export class StoreBreaker {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #failedAt: Millis[] = [];
  #probeAt: Millis | undefined;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#probeAt !== undefined;
  }

  /** Whether a request may go now. While the breaker is open that is a probe, once in a pause. */
  admit(): boolean {
    if (this.#probeAt === undefined) return true;
    const now = this.#clock.monotonic();
    if (now < this.#probeAt) return false;
    this.#probeAt = millis(now + PAUSE);
    return true;
  }

  /** The store answered. True when that closes the breaker. */
  answered(): boolean {
    if (this.#probeAt === undefined) return false;
    this.#probeAt = undefined;
    this.#failedAt = [];
    return true;
  }

  /** A request failed. True when that opens a closed breaker. */
  failed(): boolean {
    const now = this.#clock.monotonic();
    if (this.#probeAt !== undefined) {
      this.#probeAt = millis(now + PAUSE);
      return false;
    }
    this.#failedAt = [...this.#failedAt, now].filter((at) => now - at < COUNTED_FOR);
    if (this.#failedAt.length < FAILURES_TO_OPEN) return false;
    this.#probeAt = millis(now + PAUSE);
    return true;
  }
}
