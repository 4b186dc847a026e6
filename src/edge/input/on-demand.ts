import { type Millis, millis } from '../../media/units.ts';
import type { Clock, Timer } from '../../runtime/clock.ts';
import type { Source } from '../source.ts';
import type { Input } from './configured-source.ts';

/** How often it is looked whether the source is wanted: a viewer's first request waits for it. */
const LOOK_EVERY = millis(200);
/** It goes on for so long after nobody wants it: who comes back finds no break, and a recording its last segment. */
const GOES_ON_FOR_MS = 10_000;
/** So long after its begin nothing is held against a source that has not sent. */
const STARTS_WITHIN_MS = 10_000;

export type OnDemandTools = {
  readonly clock: Clock;
  readonly isWanted: () => boolean;
  readonly open: () => Input;
  /** It began or ended. */
  readonly changed: (runs: boolean) => void;
};

/** Runs an input while its source is wanted. The rest of the time the source stands by: shown as one that can begin at once. */
export class OnDemand implements Input {
  #input: Input | undefined;
  #startedAt: Millis = millis(0);
  #wantedAt: Millis = millis(0);
  #stopping: Promise<void> | undefined;
  #ended = false;
  readonly #looking: Timer;

  constructor(
    private readonly source: Pick<Source, 'rest' | 'trouble' | 'standsBy'>,
    private readonly tools: OnDemandTools,
  ) {
    source.rest();
    this.#look();
    this.#looking = tools.clock.every(LOOK_EVERY, () => this.#look());
  }

  async stop(): Promise<void> {
    this.#ended = true;
    this.#looking.cancel();
    await this.#end();
    this.source.standsBy = false;
  }

  #look(): void {
    if (this.#ended) return;
    const now = this.tools.clock.monotonic();
    if (this.tools.isWanted()) {
      this.#wantedAt = now;
      if (this.#input === undefined && this.#stopping === undefined) this.#begin(now);
    } else if (this.#input !== undefined && now - this.#wantedAt >= GOES_ON_FOR_MS) {
      void this.#end();
    }
    const starts = now - this.#startedAt < STARTS_WITHIN_MS && this.source.trouble === undefined;
    this.source.standsBy = this.#input === undefined || starts;
  }

  #begin(now: Millis): void {
    this.#startedAt = now;
    this.#input = this.tools.open();
    this.tools.changed(true);
  }

  /** What it has sent is no longer live when the next viewer comes. */
  #end(): Promise<void> {
    const input = this.#input;
    this.#input = undefined;
    if (input === undefined) return this.#stopping ?? Promise.resolve();
    this.#stopping = input.stop().then(() => {
      this.source.rest();
      this.#stopping = undefined;
      this.tools.changed(false);
    });
    return this.#stopping;
  }
}
