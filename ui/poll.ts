/**
 * Asks again and again while the page is visible, one question at a time, and at once when the page or the
 * network comes back. `question` never rejects; `pauseMs` is asked after each answer.
 */
export class Poll {
  readonly #question: () => Promise<void>;
  readonly #pauseMs: () => number;
  #started: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking: Promise<void> | undefined;
  #again = false;

  constructor(question: () => Promise<void>, pauseMs: () => number) {
    this.#question = question;
    this.#pauseMs = pauseMs;
  }

  start(): void {
    if (this.#started !== undefined) return;
    this.#started = new AbortController();
    const { signal } = this.#started;
    document.addEventListener('visibilitychange', () => this.#askIfVisible(), { signal });
    addEventListener('online', () => this.#askIfVisible(), { signal });
    void this.ask();
  }

  stop(): void {
    this.#started?.abort();
    this.#started = undefined;
    clearTimeout(this.#timer);
  }

  /** Asks now. While a question is open, one more is asked after it, not beside it. */
  ask(): Promise<void> {
    this.#again = true;
    this.#asking ??= this.#askUntilAnswered();
    return this.#asking;
  }

  #askIfVisible(): void {
    if (!document.hidden) void this.ask();
  }

  async #askUntilAnswered(): Promise<void> {
    clearTimeout(this.#timer);
    do {
      this.#again = false;
      await this.#question();
    } while (this.#again && !document.hidden);
    this.#asking = undefined;
    if (this.#started !== undefined) this.#timer = setTimeout(() => this.#askIfVisible(), this.#pauseMs());
  }
}
