import { type Millis, millis } from '../../../media/units.ts';
import type { Random } from '../../../runtime/retry.ts';

/** What came of asking for a playlist. */
export type Polled =
  | {
      readonly kind: 'changed';
      /** Its EXT-X-TARGETDURATION in seconds. */
      readonly targetDuration: number;
      /** It has EXT-X-ENDLIST: nothing more will come, unless its encoder begins anew. */
      readonly ended: boolean;
    }
  | { readonly kind: 'unchanged' }
  /** `lasting`: it will hardly be better soon. `retryAfter`: seconds that the server asks for. */
  | { readonly kind: 'failed'; readonly lasting?: boolean; readonly retryAfter?: number };

/** When to ask next. */
export type Pause = {
  readonly wait: Millis;
  /** Counted from when the last asking began (RFC 8216 §6.3.4), or from when it ended. */
  readonly from: 'begin' | 'end';
};

const ENDED_MS = 15_000;
const FIRST_BACKOFF_MS = 1_000;
const LAST_BACKOFF_MS = 30_000;
/** A target duration beyond these is none that an encoder means. */
const TARGET_MS = { least: 1_000, most: 60_000 };

/**
 * How often a playlist is asked for (RFC 8216 §6.3.4): a target duration after it had changed, half of one after it
 * had not. After a failure the pauses double, from one second to thirty, each with jitter.
 */
export class Rhythm {
  #target = TARGET_MS.least;
  #ended = false;
  #failures = 0;

  constructor(private readonly random: Random) {}

  after(polled: Polled): Pause {
    if (polled.kind === 'failed') return { wait: this.#backoff(polled), from: 'end' };
    this.#failures = 0;
    if (polled.kind === 'changed') {
      const { least, most } = TARGET_MS;
      this.#target = Math.min(most, Math.max(least, polled.targetDuration * 1_000));
      this.#ended = polled.ended;
    }
    if (this.#ended) return { wait: millis(ENDED_MS), from: 'begin' };
    return { wait: millis(polled.kind === 'changed' ? this.#target : this.#target / 2), from: 'begin' };
  }

  #backoff({ lasting = false, retryAfter = 0 }: Extract<Polled, { kind: 'failed' }>): Millis {
    const doubled = FIRST_BACKOFF_MS * 2 ** Math.min(this.#failures, 10);
    this.#failures += 1;
    const bound = lasting ? LAST_BACKOFF_MS : Math.min(LAST_BACKOFF_MS, doubled);
    const jittered = bound * (0.5 + this.random() / 2);
    const wait = Math.max(jittered, FIRST_BACKOFF_MS, retryAfter * 1_000);
    return millis(Math.min(wait, LAST_BACKOFF_MS));
  }
}
