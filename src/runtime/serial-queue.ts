import { LiveMixError } from '../media/error.ts';

/** Runs tasks one after the other, in the order they came. At most `maxWaiting` wait beside the one that runs. */
export class SerialQueue {
  readonly #maxWaiting: number;
  readonly #waiting: (() => Promise<void>)[] = [];
  #running = false;

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /** How many tasks wait for the one that runs. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Whether a task runs, or waits for the one that does. */
  get isBusy(): boolean {
    return this.#running;
  }

  /** Settles as the task does. Rejects with `LiveMixError('busy')`, without running it, when too many wait. */
  run<T>(task: () => Promise<T> | T): Promise<T> {
    if (this.#running && this.#waiting.length >= this.#maxWaiting) {
      return Promise.reject(new LiveMixError('busy', 'too many tasks wait', { retryAfter: 1 }));
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push(async () => {
        try {
          resolve(await task());
        } catch (error) {
          reject(error);
        }
      });
      if (!this.#running) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#running = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) await next();
    this.#running = false;
  }
}
