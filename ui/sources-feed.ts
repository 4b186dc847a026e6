import { type ReadonlySignal, signal } from '@preact/signals';
import { fetchSources, type Source } from './api.ts';
import { whyRefused } from './http.ts';
import { Poll } from './poll.ts';

const POLL_MS = 2000;
export const ANSWER_WITHIN_MS = 8000;

/** Whether the server answers. `since` is when it last did, on this page's clock. */
export type Reach =
  | { readonly kind: 'asking' }
  | { readonly kind: 'ok' }
  | { readonly kind: 'lost'; readonly since: number | undefined; readonly why: string };

/** Asks for the sources every two seconds while the page is visible. Keeps the last answer when there is none. */
export class SourcesFeed {
  readonly #sources = signal<readonly Source[] | undefined>(undefined);
  readonly #reach = signal<Reach>({ kind: 'asking' });
  readonly #now = signal(Date.now());
  readonly #poll = new Poll(
    () => this.#ask(),
    () => POLL_MS,
  );
  #answeredAt: number | undefined;
  #serverAhead = 0;

  get sources(): ReadonlySignal<readonly Source[] | undefined> {
    return this.#sources;
  }

  get reach(): ReadonlySignal<Reach> {
    return this.#reach;
  }

  /** The server's time, moving on once a second: ages do not depend on this machine's clock being right. */
  get serverNow(): number {
    return this.#now.value + this.#serverAhead;
  }

  /** This machine's time, moving on once a second. */
  get localNow(): number {
    return this.#now.value;
  }

  find(name: string): Source | undefined {
    return this.#sources.value?.find((source) => source.name === name);
  }

  start(): void {
    setInterval(() => {
      if (!document.hidden) this.#now.value = Date.now();
    }, 1000);
    this.#poll.start();
  }

  /** Resolves when it has been asked anew. */
  refresh(): Promise<void> {
    return this.#poll.ask();
  }

  async #ask(): Promise<void> {
    try {
      const answer = await fetchSources(AbortSignal.timeout(ANSWER_WITHIN_MS));
      this.#answeredAt = Date.now();
      this.#serverAhead = answer.serverNow - this.#answeredAt;
      this.#now.value = this.#answeredAt;
      this.#sources.value = answer.sources;
      if (this.#reach.value.kind !== 'ok') this.#reach.value = { kind: 'ok' };
    } catch (error) {
      const why = whyRefused(error, 'The network or the node is down.');
      this.#reach.value = { kind: 'lost', since: this.#answeredAt, why };
    }
  }
}
