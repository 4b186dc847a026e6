import { batch, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { Source } from '../api.ts';
import { ApiRefused, whyRefused } from '../http.ts';
import { Poll } from '../poll.ts';
import type { Route } from '../route.ts';
import type { SourcesFeed } from '../sources-feed.ts';
import type { Recording } from './recording.ts';
import { fetchRecordings, type RecordingsFound } from './recording-api.ts';

/** How long to wait before asking again: shorter while something is being recorded. */
export const pauseMs = (recordings: readonly Recording[]): number =>
  recordings.some(({ state }) => state === 'recording') ? 2000 : 5000;

/** So many recordings are asked for until somebody wants to see more. */
const FIRST = 200;

/** Asks for the newest recordings while a view shows them. Keeps the last answer when there is none. */
export class RecordingsFeed {
  readonly #recordings = signal<readonly Recording[] | undefined>(undefined);
  readonly #offered = signal<boolean | undefined>(undefined);
  readonly #more = signal(false);
  readonly #trouble = signal('');
  /** The source that the view is about; empty: all of them. */
  #source = '';
  #wanted = FIRST;
  readonly #poll = new Poll(
    () => this.#ask(),
    () => pauseMs(this.#recordings.peek() ?? []),
  );

  /** Of all sources, and of the one that the view is about; newest first. Undefined until they are known. */
  get recordings(): ReadonlySignal<readonly Recording[] | undefined> {
    return this.#recordings;
  }

  /** Whether the view has older ones, too, which were not asked for. */
  get more(): ReadonlySignal<boolean> {
    return this.#more;
  }

  /** So many are to be seen. */
  want(count: number): void {
    if (count <= this.#wanted) return;
    this.#wanted = count;
    void this.refresh();
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
      const source = sourceOf(route.value);
      if (source === this.#source) return;
      this.#source = source;
      // Those of all sources may not reach back as far as this one's.
      if (this.#more.peek()) void this.refresh();
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

  async #find(): Promise<RecordingsFound> {
    const all = await fetchRecordings(this.#wanted, '');
    if (!all.more || this.#source === '') return all;
    const own = await fetchRecordings(this.#wanted, this.#source);
    const known = new Set(all.recordings.map(({ id }) => id));
    const older = own.recordings.filter(({ id }) => !known.has(id));
    return { recordings: [...all.recordings, ...older], more: own.more };
  }

  async #ask(): Promise<void> {
    try {
      const found = await this.#find();
      batch(() => {
        this.#recordings.value = found.recordings;
        this.#more.value = found.more;
      });
      this.#offered.value = true;
      this.#trouble.value = '';
    } catch (error) {
      if (error instanceof ApiRefused && error.status === 404) this.#offered.value = false;
      this.#trouble.value = whyRefused(error, 'The recordings do not come.');
    }
  }
}

/** The source whose recordings a view shows; empty: those of all. */
const sourceOf = (route: Route): string =>
  route.view === 'player' ? route.name : route.view === 'recordings' ? route.source : '';

/** Only control forwards, so only its sources have a mode. */
const isOfEdge = ({ mode }: Source): boolean => mode === undefined;
