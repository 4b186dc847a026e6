import { StoreFailed } from './object-store.ts';

/** Lets so many tasks run at once; the others wait their turn, so many at most. */
export class Slots {
  #free: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number, maxWaiting: number) {
    this.#free = count;
    this.#maxWaiting = maxWaiting;
  }

  /** Settles as the task does. Rejects with `slow_down`, without running it, where too many wait. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    const leave = await this.enter();
    try {
      return await task();
    } finally {
      leave();
    }
  }

  /** Waits for a slot. What it gives back lets the next one in; calling it twice does no harm. */
  async enter(): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else if (this.#waiting.length >= this.#maxWaiting) {
      throw new StoreFailed('slow_down', `${this.#waiting.length} others wait for the store`);
    } else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    };
  }
}
