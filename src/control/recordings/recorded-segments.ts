import { LRUCache } from 'lru-cache';
import type { Catalog, CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import { covers } from '../../media/span.ts';
import { Slots } from '../../store/slots.ts';
import { contentOf, type RecordingContent } from './recording-view.ts';

/** Rows of recordings that are kept at hand, over all of them: some 100 MB. */
const MAX_ROWS = 250_000;

/** More at once would keep all else from the catalog: somebody may list every recording there is. */
const LOADS_AT_ONCE = 4;

/** What is stored of one recording, by rendition and number. Never changed: news make another one. */
export type RecordedRows = readonly CatalogSegment[];

/** The stored segments of recordings, at hand for those that are looked at, followed as they grow. */
export class RecordedSegments {
  readonly #rows = new LRUCache<string, RecordedRows>({
    maxSize: MAX_ROWS,
    sizeCalculation: (rows) => rows.length + 1,
  });
  readonly #split = new WeakMap<RecordedRows, ReadonlyMap<string, RecordedRows>>();
  readonly #loading = new Map<string, Loading>();
  readonly #loads = new Slots(LOADS_AT_ONCE, Number.POSITIVE_INFINITY);
  readonly #contents = new Map<
    string,
    { readonly recording: CatalogRecording; readonly content: RecordingContent }
  >();

  constructor(private readonly catalog: Catalog) {}

  /** All segments and gaps of a recording. */
  async of(recording: CatalogRecording): Promise<RecordedRows> {
    const { id } = recording;
    const known = this.#rows.get(id) ?? this.#loading.get(id)?.rows;
    if (known !== undefined) return known;
    const news: CatalogSegment[] = [];
    const rows = this.#load(recording, news).finally(() => {
      if (this.#loading.get(id)?.news === news) this.#loading.delete(id);
    });
    this.#loading.set(id, { rows, news });
    return rows;
  }

  /** The same by rendition. */
  async renditions(recording: CatalogRecording): Promise<ReadonlyMap<string, RecordedRows>> {
    const rows = await this.of(recording);
    const known = this.#split.get(rows);
    if (known !== undefined) return known;
    const split = byRendition(rows);
    this.#split.set(rows, split);
    return split;
  }

  async content(recording: CatalogRecording): Promise<RecordingContent> {
    const { id } = recording;
    const known = this.#contents.get(id);
    if (known?.recording === recording) return known.content;
    const rows = await this.of(recording);
    const content = contentOf(recording, [...byRendition(rows).values()]);
    if ((this.#rows.peek(id) ?? rows) === rows) this.#contents.set(id, { recording, content });
    return content;
  }

  /** Segments were stored, or what is known of them changed. */
  added(segments: readonly CatalogSegment[], recordings: readonly CatalogRecording[]): void {
    for (const recording of recordings) {
      this.#contents.delete(recording.id);
      const own = segments.filter(
        (segment) => segment.source === recording.source && covers(recording, segment.record),
      );
      this.#loading.get(recording.id)?.news.push(...own);
      const rows = this.#rows.get(recording.id);
      if (rows !== undefined && own.length > 0) this.#rows.set(recording.id, merge(rows, own));
    }
  }

  /** Its span changed, or it is gone. */
  forget(id: string): void {
    this.#rows.delete(id);
    this.#loading.delete(id);
    this.#contents.delete(id);
  }

  /** @param news what is stored while the catalog is being read: it may have been read or not */
  async #load(recording: CatalogRecording, news: readonly CatalogSegment[]): Promise<RecordedRows> {
    const { id, source } = recording;
    const read = await this.#loads.run(() => this.catalog.segments(source, recording));
    const rows = news.length === 0 ? read : merge(read, news);
    if (this.#loading.get(id)?.news === news) this.#rows.set(id, rows);
    return rows;
  }
}

/** Rows lie by rendition: each of its parts is one slice of them, all of them where there is but one. */
function byRendition(rows: RecordedRows): ReadonlyMap<string, RecordedRows> {
  const split = new Map<string, RecordedRows>();
  for (let start = 0; start < rows.length; ) {
    const { rendition } = rows[start]!;
    const next = rows.findIndex((row, at) => at > start && row.rendition !== rendition);
    const end = next < 0 ? rows.length : next;
    split.set(rendition, start === 0 && end === rows.length ? rows : rows.slice(start, end));
    start = end;
  }
  return split;
}

type Loading = { readonly rows: Promise<RecordedRows>; readonly news: CatalogSegment[] };

/** Rows and newer ones, by number; the newer one of a number counts. */
function merge(rows: RecordedRows, added: readonly CatalogSegment[]): RecordedRows {
  const last = rows.at(-1);
  const ascending = newestOf(added).sort(byNumber);
  if (last === undefined || byNumber(last, ascending[0]!) < 0) return [...rows, ...ascending];
  return newestOf([...rows, ...ascending]).sort(byNumber);
}

/** The last one of each number. */
const newestOf = (rows: readonly CatalogSegment[]): CatalogSegment[] => [
  ...new Map(rows.map((row) => [`${row.rendition}/${row.record.sequence}`, row])).values(),
];

const byNumber = (a: CatalogSegment, b: CatalogSegment): number =>
  a.rendition.localeCompare(b.rendition) || a.record.sequence - b.record.sequence;
