import { setMaxListeners } from 'node:events';
import { Prober, type ProberOptions } from './prober.ts';

/** Probers of some playlists at once, until they are told to stop. */
export class Probers implements AsyncDisposable {
  readonly #following = new AbortController();
  readonly #probers = new Map<string, Prober>();
  readonly #running: Promise<void>[] = [];

  constructor() {
    setMaxListeners(0, this.#following.signal);
  }

  /** By what they were called. */
  get all(): ReadonlyMap<string, Prober> {
    return this.#probers;
  }

  follow(called: string, options: ProberOptions, everyMs = 700): void {
    const prober = new Prober(options);
    this.#probers.set(called, prober);
    this.#running.push(prober.run({ everyMs, signal: this.#following.signal }));
  }

  /** Does the same beside them, again and again. */
  beside(work: (signal: AbortSignal) => Promise<void>): void {
    this.#running.push(work(this.#following.signal));
  }

  /** Resolves when none of them looks any more. */
  async stop(): Promise<void> {
    this.#following.abort();
    await Promise.all(this.#running);
  }

  [Symbol.asyncDispose] = (): Promise<void> => this.stop();
}
