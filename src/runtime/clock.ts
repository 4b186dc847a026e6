import { type EpochMs, epochMs, type Millis, millis } from '../media/units.ts';

/** A timer that can be ended. */
export type Timer = { cancel(): void };

/**
 * Two clocks in one injected value: wall time stamps media, monotonic time waits.
 * No rule depends on the wall clock being right.
 */
export interface Clock {
  /** Wall time, on control's clock where that is known. */
  now(): EpochMs;
  /** Time since an arbitrary start; never goes back. */
  monotonic(): Millis;
  /** Resolves after `wait`, or at once when the signal aborts (never rejects). */
  sleep(wait: Millis, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `wait`. */
  after(wait: Millis, callback: () => void): Timer;
  /** Calls back every `period`. */
  every(period: Millis, callback: () => void): Timer;
}

/** The machine's own clocks. Its timers do not keep a process alive. */
export class SystemClock implements Clock {
  /** What is added to the machine's time to get control's. Set by the edge's link. */
  #offset = 0;
  readonly #startedAt = Date.now() - performance.now();

  now(): EpochMs {
    return epochMs(Math.round(this.#startedAt + performance.now() + this.#offset));
  }

  monotonic(): Millis {
    return millis(performance.now());
  }

  /** Moves `now()` so that it follows another node's clock. */
  follow(offsetMs: number): void {
    this.#offset = offsetMs;
  }

  get offset(): number {
    return this.#offset;
  }

  sleep(wait: Millis, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, wait);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  after(wait: Millis, callback: () => void): Timer {
    const timer = setTimeout(callback, wait);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  }

  every(period: Millis, callback: () => void): Timer {
    const timer = setInterval(callback, period);
    timer.unref();
    return { cancel: () => clearInterval(timer) };
  }
}
