import { type Millis, millis } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import { type ObjectStore, StoreFailed } from '../store/object-store.ts';

/** The store is asked once in so long, however many ask for readiness. */
const KNOWN_FOR_MS = 5_000;
/** Who asks for readiness does not wait longer than a moment. */
const ANSWERS_WITHIN = millis(2_000);
/** No object has this key: what counts is that the store says so. */
const PROBED_KEY = 'readyz';

const SILENT = 'the object store does not answer';

/** Whether control can do its work: its catalog is there, and its object store answers. */
export class Readiness {
  #catalogIsLost = false;
  #asked: Promise<string | undefined> | undefined;
  #askedAt: Millis = millis(0);

  constructor(
    private readonly store: Pick<ObjectStore, 'head'>,
    private readonly clock: Clock,
  ) {}

  catalogLost(): void {
    this.#catalogIsLost = true;
  }

  /** Why it cannot, in words; undefined while it can. Resolves within 2 s. */
  async trouble(): Promise<string | undefined> {
    if (this.#catalogIsLost) return 'the catalog failed';
    const now = this.clock.monotonic();
    if (this.#asked === undefined || now - this.#askedAt >= KNOWN_FOR_MS) {
      this.#askedAt = now;
      this.#asked = this.#askWithin();
    }
    return this.#asked;
  }

  async #askWithin(): Promise<string | undefined> {
    const waiting = new AbortController();
    const late = this.clock.sleep(ANSWERS_WITHIN, waiting.signal).then(() => SILENT);
    return Promise.race([this.#ask(), late]).finally(() => waiting.abort());
  }

  /** A store that refuses, or asks for patience, answers. */
  async #ask(): Promise<string | undefined> {
    try {
      await this.store.head(PROBED_KEY);
      return undefined;
    } catch (error) {
      if (!(error instanceof StoreFailed)) throw error;
      const answers = error.reason === 'denied' || error.reason === 'slow_down';
      return answers ? undefined : SILENT;
    }
  }
}
