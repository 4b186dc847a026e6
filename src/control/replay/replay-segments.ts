import { LRUCache } from 'lru-cache';
import { cacheKey } from '../../cache/cache-key.ts';
import type { SegmentCache } from '../../cache/segment-cache.ts';
import type { CatalogSegment } from '../../catalog/catalog.ts';
import { cutOut, partNamed, partsOf, segmentFileName, URL_DIGEST_LENGTH } from '../../media/carried.ts';
import { LiveMixError } from '../../media/error.ts';
import { type Millis, millis, seconds } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';
import { sha256 } from '../../runtime/sha256.ts';
import type { SegmentName } from '../../serve/live-routes.ts';
import { type ObjectStore, StoreFailed } from '../../store/object-store.ts';
import type { ControlEvents } from '../events.ts';

/** How long a segment of a recording stays in the cache. */
const TTL = seconds(600);
/** A segment that was brought into the cache is taken to be there for so long, and not brought again. */
const AHEAD_FOR_MS = 300_000;
/** Reads ahead that are under way at once; more are left out. */
const MAX_AHEAD = 8;
/** After a store failed, those who ask for the same segment are refused for so long, and do not ask it again. */
const FAILED_FOR_MS = 1_000;
/** A store may not show at once what it has. */
const SECOND_LOOK_MS = millis(300);

/** What replay knows of stored segments. */
export interface StoredSegments {
  /** Whether anything of a source is recorded: strangers who guess names are not to keep anybody busy. */
  hasSource(source: string): boolean;
  /** A viewer asked for this segment. */
  askedFor(source: string, rendition: string, sequence: number): void;
  /** The row of a segment, or undefined where no recording has it. */
  find(source: string, rendition: string, sequence: number): Promise<CatalogSegment | undefined>;
  /** The object of a segment is gone, or is not what it was: recordings that have it state a gap. */
  lost(segment: CatalogSegment): Promise<void>;
}

/** Segments of recordings, from the object store through the cache: one read, however many wait. */
export class ReplaySegments {
  readonly #reading = new Map<string, Promise<Buffer | undefined>>();
  readonly #ahead: LRUCache<string, true>;
  readonly #failed = new Map<string, Millis>();
  /** Buffers whose digest was checked: all viewers are sent the same one. */
  readonly #checked = new WeakSet<Buffer>();
  #readsAhead = 0;

  constructor(
    private readonly stored: StoredSegments,
    private readonly store: ObjectStore,
    private readonly cache: SegmentCache,
    private readonly clock: Clock,
    private readonly events: ControlEvents,
  ) {
    this.#ahead = new LRUCache({
      max: 50_000,
      ttl: AHEAD_FOR_MS,
      ttlResolution: 0,
      perf: { now: () => clock.monotonic() },
    });
  }

  /** The bytes that a URL names, for a viewer. Throws `store_unavailable`. */
  async find({ source, rendition, fileName, sequence, digest }: SegmentName): Promise<Buffer | undefined> {
    if (!this.stored.hasSource(source)) return undefined;
    this.stored.askedFor(source, rendition, sequence);
    const key = cacheKey(source, rendition, fileName);
    const found = await (this.#reading.get(key) ?? this.cache.get(key));
    if (found !== undefined && this.#isOf(found, digest)) {
      this.events.replayed('cache');
      return found;
    }
    // A thousand viewers ask the catalog once, too.
    const read = await this.#read(key, fileName, async () => {
      const row = await this.stored.find(source, rendition, sequence);
      return isThere(row) && partNamed(row.record, fileName) !== undefined ? row : undefined;
    });
    if (read !== undefined) this.events.replayed('store');
    return read;
  }

  /**
   * The bytes of a stored segment, past the cache, for whoever reads all of a recording once; undefined where its object is
   * gone, which is stated then. Throws `store_unavailable`.
   */
  async read(segment: CatalogSegment): Promise<Buffer | undefined> {
    const content = await this.#fromStore(segment).catch((error: unknown) => {
      throw error instanceof StoreFailed ? unavailable(error) : error;
    });
    if (content === undefined) await this.stored.lost(segment);
    return content;
  }

  /** Brings segments into the cache that will be asked for soon. Failures are left to whoever asks. */
  readAhead(rows: readonly CatalogSegment[]): void {
    for (const row of rows) {
      if (!isThere(row) || this.#readsAhead >= MAX_AHEAD) continue;
      const fileName = segmentFileName(row.record);
      const key = cacheKey(row.source, row.rendition, fileName);
      if (this.#ahead.has(key) || this.#reading.has(key)) continue;
      this.#ahead.set(key, true);
      this.#readsAhead += 1;
      const reading = this.#bring(key, fileName, row);
      reading
        .catch(() => this.#ahead.delete(key))
        .finally(() => {
          this.#readsAhead -= 1;
        });
    }
  }

  async #bring(key: string, fileName: string, row: StoredRow): Promise<void> {
    if ((await this.cache.get(key)) === undefined) await this.#read(key, fileName, async () => row);
  }

  /** Whoever else writes to memcached cannot put other bytes under a URL. */
  #isOf(content: Buffer, digest: string): boolean {
    if (this.#checked.has(content)) return true;
    const isOf = sha256(content).slice(0, URL_DIGEST_LENGTH) === digest;
    if (isOf) this.#checked.add(content);
    return isOf;
  }

  #read(
    key: string,
    fileName: string,
    find: () => Promise<StoredRow | undefined>,
  ): Promise<Buffer | undefined> {
    const reading = this.#reading.get(key);
    if (reading !== undefined) return reading;
    const begun = this.#readNow(key, fileName, find).finally(() => this.#reading.delete(key));
    this.#reading.set(key, begun);
    return begun;
  }

  /** Reads the object of a segment; what it carries is cached beside it, under names of its own. */
  async #readNow(
    key: string,
    fileName: string,
    find: () => Promise<StoredRow | undefined>,
  ): Promise<Buffer | undefined> {
    if ((this.#failed.get(key) ?? 0) > this.clock.monotonic()) throw unavailable();
    const row = await find();
    if (row === undefined) return undefined;
    try {
      const content = await this.#fromStore(row);
      this.#failed.delete(key);
      if (content === undefined) {
        await this.stored.lost(row);
        return undefined;
      }
      return await this.#cacheParts(row, content, fileName);
    } catch (error) {
      if (!(error instanceof StoreFailed)) throw error;
      if (this.#failed.size > 10_000) this.#failed.clear();
      this.#failed.set(key, millis(this.clock.monotonic() + FAILED_FOR_MS));
      throw unavailable(error);
    }
  }

  /** Answers with the part of that name. */
  async #cacheParts(row: StoredRow, content: Buffer, fileName: string): Promise<Buffer> {
    const wanted = partNamed(row.record, fileName)!;
    const wantedBytes = cutOut(content, wanted);
    for (const part of partsOf(row.record)) {
      const isWanted = part.begin === wanted.begin;
      const bytes = isWanted ? wantedBytes : cutOut(content, part);
      this.#checked.add(bytes);
      const name = isWanted ? fileName : part.fileName;
      await this.cache.set(cacheKey(row.source, row.rendition, name), bytes, TTL);
    }
    return wantedBytes;
  }

  async #fromStore({ key, record }: CatalogSegment): Promise<Buffer | undefined> {
    this.events.storeRead();
    const content = await this.store.get(key!);
    if (content !== undefined && sha256(content) === record.digest) return content;
    await this.clock.sleep(SECOND_LOOK_MS);
    const again = await this.store.get(key!);
    return again !== undefined && sha256(again) === record.digest ? again : undefined;
  }
}

type StoredRow = CatalogSegment & { readonly key: string };
const isThere = (row: CatalogSegment | undefined): row is StoredRow =>
  row?.key !== undefined && row.record.gap === undefined;

const unavailable = (cause?: StoreFailed) =>
  new LiveMixError('store_unavailable', 'The object store does not answer.', { retryAfter: 2, cause });
