import { type Millis, millis } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';

const FAILURES_TO_OPEN = 3;
const SHORTEST_PAUSE = 200;
const LONGEST_PAUSE = 2000;

/**
 * Keeps callers from a server that does not answer. *Closed*: everything may pass. *Open*, after three
 * failures in a row: nothing passes. After a pause of 0.2 to 2 s, at random so that replicas do not come
 * back together, one trial is due; its outcome closes the breaker or opens it anew.
 */
export class Breaker {
  readonly #clock: Clock;
  readonly #random: () => number;
  #failures = 0;
  #trialDueAt: Millis | undefined;
  #trying = false;

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  get isOpen(): boolean {
    return this.#trialDueAt !== undefined;
  }

  /** Whether a trial is due. True once for each pause: who asks has to make it. */
  takeTrial(): boolean {
    if (this.#trialDueAt === undefined || this.#trying) return false;
    this.#trying = this.#clock.monotonic() >= this.#trialDueAt;
    return this.#trying;
  }

  /** The server answered. True when that closes the breaker. */
  succeeded(): boolean {
    const closes = this.isOpen && this.#trying;
    if (closes) this.#trialDueAt = undefined;
    this.#trying = false;
    this.#failures = 0;
    return closes;
  }

  /** The server did not answer. True when that opens a closed breaker. */
  failed(): boolean {
    if (this.isOpen && !this.#trying) return false;
    this.#failures++;
    if (!this.isOpen && this.#failures < FAILURES_TO_OPEN) return false;
    const opens = !this.isOpen;
    const pause = SHORTEST_PAUSE + this.#random() * (LONGEST_PAUSE - SHORTEST_PAUSE);
    this.#trialDueAt = millis(this.#clock.monotonic() + pause);
    this.#trying = false;
    return opens;
  }
}
