import { epochMs, type Millis, millis } from '../media/units.ts';
import type { Clock, Timer } from './clock.ts';

type Alarm = { at: number; readonly period: number; readonly callback: () => void };

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  #time = 0;
  readonly #alarms = new Set<Alarm>();

  now() {
    return epochMs(1_700_000_000_000 + this.#time);
  }
  monotonic() {
    return millis(this.#time);
  }
  sleep(wait: Millis, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        timer.cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.after(wait, done);
      signal?.addEventListener('abort', done);
    });
  }
  after(wait: Millis, callback: () => void): Timer {
    return this.#set({ at: this.#time + wait, period: 0, callback });
  }
  every(period: Millis, callback: () => void): Timer {
    return this.#set({ at: this.#time + period, period, callback });
  }

  /** Lets time pass and calls back what falls due in it, in order. */
  pass(time: number): void {
    const end = this.#time + time;
    for (;;) {
      const next = [...this.#alarms].sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#time = next.at;
      if (next.period === 0) this.#alarms.delete(next);
      else next.at += next.period;
      next.callback();
    }
    this.#time = end;
  }

  #set(alarm: Alarm): Timer {
    this.#alarms.add(alarm);
    return { cancel: () => this.#alarms.delete(alarm) };
  }
}
