const FIRST_MS = 500;
const LONGEST_MS = 5000;

/** Waits longer after each failure, half a second to five, for ever; from the beginning after a success. */
export class Backoff {
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** How often it failed since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Calls `again` after the next wait, unless that is already going to happen. */
  failed(again: () => void): void {
    if (this.#timer !== undefined) return;
    const wait = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      again();
    }, wait);
  }

  succeeded(): void {
    this.#failures = 0;
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
