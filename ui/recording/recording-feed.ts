import { type ReadonlySignal, signal } from '@preact/signals';
import { ApiRefused, whyRefused } from '../http.ts';
import { Poll } from '../poll.ts';
import type { Recording } from './recording.ts';
import { fetchRecording } from './recording-api.ts';
import { pauseMs } from './recordings-feed.ts';

/** Asks for one recording until it is closed, or there is none of that id. Keeps the last answer. */
export class RecordingFeed {
  readonly #id: string;
  readonly #recording = signal<Recording | undefined>(undefined);
  readonly #missing = signal(false);
  readonly #trouble = signal('');
  readonly #poll = new Poll(
    () => this.#ask(),
    () => pauseMs([this.#recording.peek()].filter((recording) => recording !== undefined)),
  );

  constructor(id: string) {
    this.#id = id;
  }

  get recording(): ReadonlySignal<Recording | undefined> {
    return this.#recording;
  }

  /** There is none of that id, or no longer. */
  get missing(): ReadonlySignal<boolean> {
    return this.#missing;
  }

  /** Why there was no answer; empty when there was. */
  get trouble(): ReadonlySignal<string> {
    return this.#trouble;
  }

  start(): void {
    this.#poll.start();
  }

  close(): void {
    this.#poll.stop();
  }

  /** Resolves when it has been asked for anew. */
  refresh(): Promise<void> {
    return this.#poll.ask();
  }

  async #ask(): Promise<void> {
    try {
      this.#recording.value = await fetchRecording(this.#id);
      this.#trouble.value = '';
    } catch (error) {
      if (error instanceof ApiRefused && error.status === 404) {
        this.#missing.value = true;
        this.#poll.stop();
      }
      this.#trouble.value = whyRefused(error, 'The recording does not come.');
    }
  }
}
