import { LRUCache } from 'lru-cache';
import { LiveMixError } from '../../../media/error.ts';
import { type Millis, millis } from '../../../media/units.ts';
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

type Pushed = {
  readonly segment: Promise<PushedSegment>;
  /** When it had come, and its size; undefined while it comes. */
  arrived: { readonly at: Millis; readonly bytes: number } | undefined;
};

/** The segments that an encoder has pushed for one source and no playlist has taken yet, by path. */
export class PushedFiles {
  readonly #files = new Map<string, Pushed>();
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
  async take(path: string): Promise<PushedSegment> {
    const pushed = this.#files.get(path);
    if (pushed === undefined) throw new SourceUnreadable('missing_at_source', 'it was not pushed', true);
    try {
      const segment = await pushed.segment;
      // Another one of that name has come meanwhile, and this one was let go.
      if (this.#files.get(path) !== pushed) return await this.take(path);
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
