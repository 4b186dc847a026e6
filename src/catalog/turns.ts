import { LiveMixError } from '../media/error.ts';
import type { Millis } from '../media/units.ts';
import type { Clock, Timer } from '../runtime/clock.ts';

type Waiting = { readonly go: () => void; readonly timer: Timer };

/** One at a time, in the order they came. At most `maxWaiting` wait, none longer than `longest`: `db_busy`. */
export class Turns {
  readonly #options: { readonly clock: Clock; readonly maxWaiting: number; readonly longest: Millis };
  readonly #waiting: Waiting[] = [];
  #taken = false;

  constructor(options: { readonly clock: Clock; readonly maxWaiting: number; readonly longest: Millis }) {
    this.#options = options;
  }

  /** Resolves when it is the caller's turn, who then has to `give` it back. */
  async take(): Promise<void> {
    if (!this.#taken) {
      this.#taken = true;
      return;
    }
    const { clock, maxWaiting, longest } = this.#options;
    if (this.#waiting.length >= maxWaiting) throw busy();
    await new Promise<void>((go, reject) => {
      const timer = clock.after(longest, () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(busy());
      });
      const waiting: Waiting = { go, timer };
      this.#waiting.push(waiting);
    });
  }

  give(): void {
    const next = this.#waiting.shift();
    this.#taken = next !== undefined;
    next?.timer.cancel();
    next?.go();
  }
}

const busy = () => new LiveMixError('db_busy', 'too much waits for the catalog', { retryAfter: 1 });
