import type { CatalogRecording } from '../../catalog/catalog.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { ControlEvents } from '../events.ts';
import { encodeManifest, manifestKey } from './manifest.ts';
import type { RecordedSegments } from './recorded-segments.ts';
import type { Recordings } from './recordings.ts';

/** New segments are written within this time. */
const SEGMENTS_WITHIN_MS = 60_000;
const TRY_AGAIN_MS = 10_000;

/** Keeps `manifest.json` of every recording beside its segments: the store alone can restore the catalog. */
export class Manifests {
  /** When the manifest of a recording is to be written next. */
  readonly #due = new Map<string, number>();
  readonly #writing = new Map<string, Promise<void>>();
  readonly #removing = new Set<string>();

  constructor(
    private readonly recordings: Recordings,
    private readonly recorded: RecordedSegments,
    private readonly store: ObjectStore,
    private readonly clock: Clock,
    private readonly events: ControlEvents,
  ) {}

  /** Something about the recording itself changed. */
  changed({ id }: CatalogRecording): void {
    this.#due.set(id, this.clock.monotonic());
  }

  /** Segments were stored that these recordings have. */
  grew(recordings: readonly CatalogRecording[]): void {
    const within = this.clock.monotonic() + SEGMENTS_WITHIN_MS;
    for (const { id } of recordings) if (!this.#due.has(id)) this.#due.set(id, within);
  }

  /** Writes what is due; called every second. */
  sweep(): void {
    for (const [id, at] of this.#due) {
      if (at > this.clock.monotonic() || this.#writing.has(id) || this.#removing.has(id)) continue;
      this.#due.delete(id);
      void this.#write(id);
    }
  }

  /**
   * Removes a manifest, then has the recording forgotten: what is not there is not restored. Nothing is written
   * meanwhile; where the recording stays, its manifest comes back. Rejects with `StoreFailed`, and as `forget` does.
   */
  async remove(id: string, forget: () => Promise<void>): Promise<void> {
    this.#removing.add(id);
    try {
      await this.#writing.get(id);
      await this.store.delete(manifestKey(id));
      await forget();
      this.#due.delete(id);
    } catch (error) {
      this.#due.set(id, this.clock.monotonic());
      throw error;
    } finally {
      this.#removing.delete(id);
    }
  }

  /** Resolves when what is being written is written, or has failed. */
  get settled(): Promise<void> {
    return Promise.all(this.#writing.values()).then(() => undefined);
  }

  /** Writes all that is due or will be. */
  async close(): Promise<void> {
    for (const id of [...this.#due.keys()]) {
      this.#due.delete(id);
      await this.#writing.get(id);
      if (!this.#removing.has(id)) await this.#write(id);
    }
    await this.settled;
  }

  async #write(id: string): Promise<void> {
    const writing = this.#writeNow(id).finally(() => this.#writing.delete(id));
    this.#writing.set(id, writing);
    await writing;
  }

  async #writeNow(id: string): Promise<void> {
    const recording = this.recordings.find(id);
    if (recording === undefined) return;
    try {
      const text = encodeManifest(recording, await this.recorded.of(recording));
      const facts = { bytes: text.length, contentType: 'application/json', replace: true };
      await this.store.put(manifestKey(id), text, facts);
    } catch (error) {
      this.events.manifestFailed(id, error as Error);
      if (!this.#due.has(id)) this.#due.set(id, this.clock.monotonic() + TRY_AGAIN_MS);
    }
  }
}
