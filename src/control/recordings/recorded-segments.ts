import { LRUCache } from 'lru-cache';
import type { Catalog, CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import { covers } from '../../media/span.ts';
import { contentOf, type RecordingContent } from './recording-view.ts';

/** Rows of recordings that are kept at hand, over all of them: some 100 MB. */
const MAX_ROWS = 250_000;

/** What is stored of one recording, by rendition and number. Never changed: news make another one. */
export type RecordedRows = readonly CatalogSegment[];

/** The stored segments of recordings, at hand for those that are looked at, followed as they grow. */
export class RecordedSegments {
  readonly #rows = new LRUCache<string, RecordedRows>({
    maxSize: MAX_ROWS,
    sizeCalculation: (rows) => rows.length + 1,
  });
  readonly #loading = new Map<string, Promise<RecordedRows>>();
  /** Counts what was added to a source: a load that was overtaken is done again. */
  readonly #versions = new Map<string, number>();
  readonly #contents = new Map<
    string,
    { readonly recording: CatalogRecording; readonly content: RecordingContent }
  >();

  constructor(private readonly catalog: Catalog) {}

  /** All segments and gaps of a recording. */
  async of(recording: CatalogRecording): Promise<RecordedRows> {
    const { id } = recording;
    const known = this.#rows.get(id) ?? this.#loading.get(id);
    if (known !== undefined) return known;
    const loading = this.#load(recording).finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    return loading;
  }

  async content(recording: CatalogRecording): Promise<RecordingContent> {
    const { id } = recording;
    const known = this.#contents.get(id);
    if (known?.recording === recording) return known.content;
    const content = contentOf(recording, await this.of(recording));
    this.#contents.set(id, { recording, content });
    return content;
  }

  /** Segments were stored, or what is known of them changed. */
  added(segments: readonly CatalogSegment[], recordings: readonly CatalogRecording[]): void {
    for (const source of new Set(segments.map((segment) => segment.source))) {
      this.#versions.set(source, (this.#versions.get(source) ?? 0) + 1);
    }
    for (const recording of recordings) {
      this.#contents.delete(recording.id);
      const rows = this.#rows.get(recording.id);
      if (rows === undefined) continue;
      const own = segments.filter(
        (segment) => segment.source === recording.source && covers(recording, segment.record),
      );
      if (own.length > 0) this.#rows.set(recording.id, merge(rows, own));
    }
  }

  /** Its span changed, or it is gone. */
  forget(id: string): void {
    this.#rows.delete(id);
    this.#contents.delete(id);
  }

  async #load(recording: CatalogRecording): Promise<RecordedRows> {
    const { source } = recording;
    for (;;) {
      const version = this.#versions.get(source);
      const rows = await this.catalog.segments(source, recording);
      if (this.#versions.get(source) !== version) continue;
      this.#rows.set(recording.id, rows);
      return rows;
    }
  }
}

/** Rows and newer ones, by number; the newer one of a number counts. */
function merge(rows: RecordedRows, added: readonly CatalogSegment[]): RecordedRows {
  const last = rows.at(-1);
  const ascending = [...added].sort(byNumber);
  if (last === undefined || byNumber(last, ascending[0]!) < 0) return [...rows, ...ascending];
  const merged = new Map(
    [...rows, ...ascending].map((row) => [`${row.rendition}/${row.record.sequence}`, row]),
  );
  return [...merged.values()].sort(byNumber);
}

const byNumber = (a: CatalogSegment, b: CatalogSegment): number =>
  a.rendition.localeCompare(b.rendition) || a.record.sequence - b.record.sequence;
