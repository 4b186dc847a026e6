import type { CatalogRecording } from '../../catalog/catalog.ts';
import { newestFirst, type PageAsked, pageOf, type RecordingPage } from './recording-page.ts';

/** Every recording by its id, by its source, and those that have not ended. */
export class RecordingBook {
  readonly #byId = new Map<string, CatalogRecording>();
  readonly #bySource = new Map<string, Map<string, CatalogRecording>>();
  /** Ids of those that have not ended, by source. */
  readonly #open = new Map<string, Set<string>>();

  get size(): number {
    return this.#byId.size;
  }

  /** Newest first. */
  get all(): readonly CatalogRecording[] {
    return [...this.#byId.values()].sort(newestFirst);
  }

  /** Those that have not ended. */
  get open(): readonly CatalogRecording[] {
    return [...this.#open.keys()].flatMap((source) => this.openOf(source));
  }

  /** A page of them, newest first. Throws `bad_request`. */
  page(asked: PageAsked): RecordingPage {
    return pageOf(asked.source === undefined ? this.#byId.values() : this.of(asked.source), asked);
  }

  find(id: string): CatalogRecording | undefined {
    return this.#byId.get(id);
  }

  /** Whether anything of a source is or was recorded. */
  hasSource(source: string): boolean {
    return this.#bySource.has(source);
  }

  of(source: string): readonly CatalogRecording[] {
    return [...(this.#bySource.get(source)?.values() ?? [])];
  }

  openOf(source: string): readonly CatalogRecording[] {
    return [...(this.#open.get(source) ?? [])].map((id) => this.#byId.get(id)!);
  }

  /** A new one, or the newest state of one. */
  put(recording: CatalogRecording): void {
    const { id, source, ended } = recording;
    this.#byId.set(id, recording);
    const ofSource = this.#bySource.get(source) ?? new Map<string, CatalogRecording>();
    this.#bySource.set(source, ofSource.set(id, recording));
    const open = this.#open.get(source) ?? new Set();
    this.#open.set(source, open);
    if (ended === undefined) open.add(id);
    else open.delete(id);
  }

  remove({ id, source }: CatalogRecording): void {
    this.#byId.delete(id);
    this.#bySource.get(source)?.delete(id);
    this.#open.get(source)?.delete(id);
  }
}
