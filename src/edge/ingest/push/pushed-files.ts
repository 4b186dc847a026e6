import { LRUCache } from 'lru-cache';
import { LiveMixError } from '../../../media/error.ts';
import { MIB, type Millis, millis } from '../../../media/units.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { type Sighting, SourceUnreadable } from '../open-segment.ts';
import type { PushedSegment } from './receive-segment.ts';

/** Segments of one source that come at the same time. */
const MAX_ARRIVING = 16;
/** What no playlist has named yet: so many, so large altogether (in times of the largest segment), so long. */
const MAX_WAITING = 64;
const MAX_WAITING_SEGMENTS = 4;
const WAITS_AT_MOST = millis(60_000);
/** Files whose size and time are remembered after a playlist took them: they tell a restart from an old playlist. */
const MAX_SIGHTINGS = 1_000;

/** Init sections and keys that are remembered, and their size altogether. */
const MAX_SMALL = 64;
const MAX_SMALL_BYTES = MIB;

type Pushed = {
  readonly segment: Promise<PushedSegment>;
  /** When it had come, and its size; undefined while it comes. */
  arrived: { readonly at: Millis; readonly bytes: number } | undefined;
};

/** The segments that an encoder has pushed for one source and no playlist has taken yet, by path. */
export class PushedFiles {
  readonly #files = new Map<string, Pushed>();
  /** Init sections and keys that a playlist named: they are needed as long as their encoder lives. */
  readonly #small = new LRUCache<string, Buffer>({
    max: MAX_SMALL,
    maxSize: MAX_SMALL_BYTES,
    sizeCalculation: (content) => content.length || 1,
  });
  readonly #sightings = new LRUCache<string, Sighting>({ max: MAX_SIGHTINGS });

  constructor(
    private readonly clock: Clock,
    private readonly maxSegmentBytes: number,
  ) {}

  /** Throws `too_many_requests` when too many segments are coming already. */
  refuseTooMany(): void {
    const arriving = [...this.#files.values()].filter(({ arrived }) => arrived === undefined);
    if (arriving.length < MAX_ARRIVING) return;
    const detail = `${MAX_ARRIVING} segments of this source are being pushed at the same time.`;
    throw new LiveMixError('too_many_requests', detail, { retryAfter: 1 });
  }

  /** A segment has begun to come; it takes the place of an earlier one of that name. */
  add(path: string, segment: Promise<PushedSegment>): void {
    this.#drop(path);
    const pushed: Pushed = { segment, arrived: undefined };
    this.#files.set(path, pushed);
    const arrived = (bytes: number) => {
      pushed.arrived = { at: this.clock.monotonic(), bytes };
      this.#dropOld();
    };
    segment.then(
      ({ bytes, modifiedAt }) => {
        this.#sightings.set(path, { bytes, modifiedAt });
        arrived(bytes);
      },
      () => arrived(0),
    );
  }

  /** Lets all go. */
  close(): void {
    for (const path of [...this.#files.keys()]) this.#drop(path);
  }

  /**
   * The segment of that name, whole; the caller ends its sink. One that is still coming is waited for. Rejects with
   * `SourceUnreadable`.
   */
  async take(path: string, encrypted: boolean): Promise<PushedSegment> {
    const segment = await this.#take(path);
    if (encrypted || segment.unlessEncrypted === undefined) return segment;
    await segment.sink.discard();
    throw segment.unlessEncrypted;
  }

  /** Whether a file of that name has come, or is coming, and is still here. */
  has(path: string): boolean {
    return this.#files.has(path) || this.#small.has(path);
  }

  /** An init section or a key as a whole; it stays. Rejects with `SourceUnreadable`. */
  async readSmall(path: string): Promise<Buffer> {
    const known = this.#small.get(path);
    if (known !== undefined && !this.#files.has(path)) return known;
    const { sink, bytes } = await this.#take(path);
    try {
      if (bytes > MAX_SMALL_BYTES)
        throw new SourceUnreadable('too_large', 'it is no init section or key', false);
      const content = await sink.content();
      this.#small.set(path, content);
      return content;
    } finally {
      await sink.discard();
    }
  }

  async #take(path: string): Promise<PushedSegment> {
    const pushed = this.#files.get(path);
    if (pushed === undefined) throw new SourceUnreadable('missing_at_source', 'it was not pushed', true);
    try {
      const segment = await pushed.segment;
      // Another one of that name has come meanwhile, and this one was let go.
      if (this.#files.get(path) !== pushed) return await this.#take(path);
      this.#files.delete(path);
      return segment;
    } catch (error) {
      if (error instanceof SourceUnreadable) throw error;
      if (error instanceof LiveMixError) throw new SourceUnreadable('too_large', error.message, false);
      throw new SourceUnreadable('truncated_at_source', (error as Error).message, true);
    }
  }

  /** What is known of a file, also after it was taken; one that is still coming is waited for. */
  async lookAt(path: string): Promise<Sighting | undefined> {
    await this.#files.get(path)?.segment.catch(() => undefined);
    return this.#sightings.get(path);
  }

  #drop(path: string): void {
    const pushed = this.#files.get(path);
    this.#files.delete(path);
    pushed?.segment.then(
      ({ sink }) => sink.discard(),
      () => undefined,
    );
  }

  #dropOld(): void {
    const oldest = this.clock.monotonic() - WAITS_AT_MOST;
    let waiting = 0;
    for (const { arrived } of this.#files.values()) waiting += arrived?.bytes ?? 0;
    for (const [path, { arrived }] of this.#files) {
      if (arrived === undefined) continue;
      const fits = this.#files.size <= MAX_WAITING && waiting <= MAX_WAITING_SEGMENTS * this.maxSegmentBytes;
      if (fits && arrived.at >= oldest) continue;
      this.#drop(path);
      waiting -= arrived.bytes;
    }
  }
}
