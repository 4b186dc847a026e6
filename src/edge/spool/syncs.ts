/** More at once would put every thread of libuv into fsync, and reads would wait for seconds. */
const AT_ONCE = 2;

/** Runs syncs of the disk, at most two at a time, in the order they came. */
export class Syncs {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  async run<T>(sync: () => Promise<T>): Promise<T> {
    if (this.#running < AT_ONCE) this.#running += 1;
    else await new Promise<void>((go) => this.#waiting.push(go));
    try {
      return await sync();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
