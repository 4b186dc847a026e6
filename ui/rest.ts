const REST_AFTER_MS = 30_000;

/**
 * A player that nobody looks at would keep its source being forwarded: when it has gone unwatched for 30 s it
 * rests, and wakes when it is watched again.
 */
export class Rest {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #resting = false;
  readonly #rest: () => void;
  readonly #wake: () => void;

  constructor(rest: () => void, wake: () => void) {
    this.#rest = rest;
    this.#wake = wake;
  }

  watched(watched: boolean): void {
    if (!watched) {
      this.#timer ??= setTimeout(() => {
        this.#resting = true;
        this.#rest();
      }, REST_AFTER_MS);
      return;
    }
    this.close();
    if (this.#resting) this.#wake();
    this.#resting = false;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
