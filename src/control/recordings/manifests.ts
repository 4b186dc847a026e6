import type { CatalogRecording } from '../../catalog/catalog.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { ControlEvents } from '../events.ts';
import { encodeManifest, encodePart, manifestKey, partKey, partsOf } from './manifest.ts';
import { inParts, type Part } from './manifest-parts.ts';
import type { RecordedSegments } from './recorded-segments.ts';
import type { Recordings } from './recordings.ts';

/** New segments are written within this time. */
const SEGMENTS_WITHIN_MS = 60_000;
const TRY_AGAIN_MS = 10_000;

/**
 * Keeps `manifest.json` of every recording beside its segments: the store alone can restore the catalog. What of a
 * long recording does not grow any more stands in parts, which are written once.
 */
export class Manifests {
  /** When the manifest of a recording is to be written next. */
  readonly #due = new Map<string, number>();
  readonly #writing = new Map<string, Promise<void>>();
  readonly #removing = new Set<string>();
  /** Keys of the parts that this process has written, by what is in them; of recordings that may still grow. */
  readonly #parts = new Map<string, ReadonlyMap<string, string>>();

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
      this.#parts.delete(id);
      // What stays of them is an orphan.
      await this.#removeParts(id, []).catch((error: Error) => this.events.manifestFailed(id, error));
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
      const { parts, rest } = inParts(await this.recorded.of(recording));
      const written = await this.#writeParts(id, parts);
      const keys = [...written.values()];
      await this.#put(manifestKey(id), encodeManifest(recording, rest, keys));
      const before = this.#parts.get(id);
      if (recording.ended === undefined) this.#parts.set(id, written);
      else this.#parts.delete(id);
      // What took their place is on disk. An earlier process may have left others.
      const others = before === undefined ? keys : [...before.values()].filter((key) => !keys.includes(key));
      if (others.length > 0) await this.#removeParts(id, keys);
    } catch (error) {
      this.events.manifestFailed(id, error as Error);
      if (!this.#due.has(id)) this.#due.set(id, this.clock.monotonic() + TRY_AGAIN_MS);
    }
  }

  /** Writes the parts that are new. Their keys, by what is in them, in their order. */
  async #writeParts(id: string, parts: readonly Part[]): Promise<ReadonlyMap<string, string>> {
    const written = new Map<string, string>();
    for (const { segments, print } of parts) {
      let key = this.#parts.get(id)?.get(print);
      if (key === undefined) {
        const text = encodePart(segments);
        key = partKey(id, text);
        await this.#put(key, text);
      }
      written.set(print, key);
    }
    return written;
  }

  async #removeParts(id: string, except: readonly string[]): Promise<void> {
    for await (const page of this.store.list(partsOf(id))) {
      for (const { key } of page) if (!except.includes(key)) await this.store.delete(key);
    }
  }

  #put(key: string, text: Buffer): Promise<void> {
    const facts = { bytes: text.length, contentType: 'application/json', replace: true };
    return this.store.put(key, text, facts);
  }
}
