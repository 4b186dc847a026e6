import { effect, type ReadonlySignal, signal } from '@preact/signals';
import type { Source } from '../api.ts';
import { ApiRefused, whyRefused } from '../http.ts';
import { Poll } from '../poll.ts';
import type { Route } from '../route.ts';
import type { SourcesFeed } from '../sources-feed.ts';
import type { Recording } from './recording.ts';
import { fetchRecordings } from './recording-api.ts';

/** How long to wait before asking again: shorter while something is being recorded. */
export const pauseMs = (recordings: readonly Recording[]): number =>
  recordings.some(({ state }) => state === 'recording') ? 2000 : 5000;

/** Asks for all recordings while a view shows them. Keeps the last answer when there is none. */
export class RecordingsFeed {
  readonly #recordings = signal<readonly Recording[] | undefined>(undefined);
  readonly #offered = signal<boolean | undefined>(undefined);
  readonly #trouble = signal('');
  readonly #poll = new Poll(
    () => this.#ask(),
    () => pauseMs(this.#recordings.peek() ?? []),
  );

  /** Newest first; undefined until they are known. */
  get recordings(): ReadonlySignal<readonly Recording[] | undefined> {
    return this.#recordings;
  }

  /** Whether this node has recordings at all: an edge has none. Undefined until that is known. */
  get offered(): ReadonlySignal<boolean | undefined> {
    return this.#offered;
  }

  /** Why there was no answer; empty when there was. */
  get trouble(): ReadonlySignal<string> {
    return this.#trouble;
  }

  /** Whether it is known what there is, or that it will not be known soon: nothing moves a page afterwards. */
  get settled(): boolean {
    return this.#offered.value !== undefined || this.#trouble.value !== '';
  }

  of(source: string): readonly Recording[] {
    return this.#recordings.value?.filter((recording) => recording.source === source) ?? [];
  }

  isRecording(source: string): boolean {
    return this.of(source).some(({ state }) => state === 'recording');
  }

  /** The view of one recording asks for that one itself. */
  start(sources: SourcesFeed, route: ReadonlySignal<Route>): void {
    effect(() => {
      const known = sources.sources.value;
      if (known?.some(isOfEdge)) this.#offered.value = false;
      if (route.value.view !== 'recording' && known !== undefined && this.#mayAsk(known)) this.#poll.start();
      else this.#poll.stop();
    });
  }

  /** Resolves when they have been asked for anew. */
  refresh(): Promise<void> {
    return this.#poll.ask();
  }

  /** Not on an edge. Without any source nobody knows yet what this node is: then a 404 says it. */
  #mayAsk(sources: readonly Source[]): boolean {
    if (sources.length === 0) return this.#offered.value !== false;
    return !sources.some(isOfEdge);
  }

  async #ask(): Promise<void> {
    try {
      this.#recordings.value = await fetchRecordings();
      this.#offered.value = true;
      this.#trouble.value = '';
    } catch (error) {
      if (error instanceof ApiRefused && error.status === 404) this.#offered.value = false;
      this.#trouble.value = whyRefused(error, 'The recordings do not come.');
    }
  }
}

/** Only control forwards, so only its sources have a mode. */
const isOfEdge = ({ mode }: Source): boolean => mode === undefined;
