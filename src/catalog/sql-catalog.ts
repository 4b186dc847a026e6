import type { Kysely } from 'kysely';
import type { Span } from '../media/span.ts';
import type { Catalog, CatalogRecording, CatalogSegment, CatalogSource } from './catalog.ts';
import * as objects from './sql-objects.ts';
import * as recordings from './sql-recordings.ts';
import * as segments from './sql-segments.ts';
import * as sources from './sql-sources.ts';
import type { Tables } from './tables.ts';

/** The catalog in a database that kysely speaks to. */
export class SqlCatalog implements Catalog {
  readonly #database: Kysely<Tables>;
  readonly #underWay = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  constructor(database: Kysely<Tables>) {
    this.#database = database;
  }

  sources = () => this.#do((database) => sources.sources(database));
  saveSource = (source: CatalogSource) => this.#do((database) => sources.saveSource(database, source));

  recordings = () => this.#do((database) => recordings.recordings(database));
  saveRecording = (recording: CatalogRecording) =>
    this.#do((database) => recordings.saveRecording(database, recording));
  deleteRecording = (id: string) => this.#do((database) => recordings.deleteRecording(database, id));

  addSegments = (added: readonly CatalogSegment[]) =>
    this.#do((database) => segments.addSegments(database, added));
  restateSegment = (segment: CatalogSegment) =>
    this.#do((database) => segments.restateSegment(database, segment));
  segments = (source: string, span: Span) =>
    this.#do((database) => segments.segmentsWithin(database, source, span));
  segment = (source: string, rendition: string, sequence: number) =>
    this.#do((database) => segments.segmentNumbered(database, source, rendition, sequence));
  storedOf = (source: string, rendition: string, sequences: readonly number[]) =>
    this.#do((database) => segments.storedOf(database, source, rendition, sequences));
  storedBytes = () => this.#do((database) => segments.storedBytes(database));

  dropUncovered = (limit: number) => this.#do((database) => objects.dropUncovered(database, limit));
  doomed = (limit: number) => this.#do((database) => objects.doomed(database, limit));
  doom = (keys: readonly string[]) => this.#do((database) => objects.doom(database, keys));
  undoom = (keys: readonly string[]) => this.#do((database) => objects.undoom(database, keys));
  knownKeys = (keys: readonly string[]) => this.#do((database) => objects.knownKeys(database, keys));

  close(): Promise<void> {
    this.#closed ??= Promise.allSettled(this.#underWay).then(() => this.#database.destroy());
    return this.#closed;
  }

  /** Notes what is under way: `close` waits for it. */
  async #do<T>(task: (database: Kysely<Tables>) => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw new Error('the catalog is closed');
    const running = task(this.#database);
    this.#underWay.add(running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(running);
    }
  }
}
