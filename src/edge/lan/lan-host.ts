import { LRUCache } from 'lru-cache';
import { cutOut, partNamed } from '../../media/carried.ts';
import { LiveMixError } from '../../media/error.ts';
import { lastsEnough, liveList } from '../../media/live-list.ts';
import type { SegmentRecord } from '../../media/segment-record.ts';
import { MIB, millis } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { FoundSegment, LiveHost, SegmentName } from '../../serve/live-routes.ts';
import { Multivariants } from '../../serve/multivariants.ts';
import type { Presence } from '../../serve/presence.ts';
import { type RenderedPlaylist, renderLive } from '../../serve/rendered-playlist.ts';
import type { Rendition } from '../rendition.ts';
import type { Sources } from '../sources.ts';

/** A list holds at least this many segments. */
const LIVE_SEGMENTS = 6;
/** Segments that viewers on the LAN read just now, shared by all of them. */
const CACHE_BYTES = 24 * MIB;
/** A list that stands still for so long is of no use to anybody. */
const STALLED_FOR_MS = 600_000;
const HOLD = millis(9_000);

/** Live HLS for viewers on the LAN, straight from the window and the spool; control is not needed. */
export class LanHost implements LiveHost {
  readonly #rendered = new WeakMap<
    Rendition,
    { readonly newest: number; readonly playlist: RenderedPlaylist }
  >();
  readonly #multivariants = new Multivariants();
  readonly #read = new LRUCache<string, FoundSegment>({
    maxSize: CACHE_BYTES,
    sizeCalculation: ({ bytes }) => bytes.length || 1,
  });
  readonly #reading = new Map<string, Promise<FoundSegment | undefined>>();

  constructor(
    private readonly sources: Sources,
    readonly presence: Presence,
    private readonly clock: Clock,
    readonly requestFailed: (requestId: string, error: unknown) => void,
  ) {}

  multivariant(name: string): RenderedPlaylist | undefined {
    const source = this.sources.find(name);
    if (source?.multivariant === undefined) return undefined;
    return this.#multivariants.of(source, source.multivariant, () =>
      [...source.renditions].flatMap((rendition) => {
        const newest = rendition.liveFrom(0).slice(-1);
        return newest.length === 0 ? [] : renderLive(name, rendition.name, newest);
      }),
    );
  }

  playlist(
    source: string,
    rendition: string,
    gone: () => AbortSignal,
  ): RenderedPlaylist | Promise<RenderedPlaylist> {
    const found = this.sources.find(source)?.rendition(rendition);
    if (found === undefined)
      throw new LiveMixError('source_unknown', 'No encoder has pushed a source of that name.');
    return this.#list(found) ?? this.#firstList(found, gone());
  }

  segment(name: SegmentName): FoundSegment | undefined | Promise<FoundSegment | undefined> {
    const key = `${name.source}/${name.rendition}/${name.fileName}`;
    return this.#read.get(key) ?? this.#reading.get(key) ?? this.#readNow(key, name);
  }

  /** The list as it is now; undefined while a source that has just appeared does not last three target durations. */
  #list(rendition: Rendition, early = false): RenderedPlaylist | undefined {
    const records = rendition.liveFrom(0);
    const newest = records.at(-1);
    if (newest === undefined) return undefined;
    const rendered = this.#rendered.get(rendition);
    const known = rendered !== undefined && rendered.newest >= records[0]!.sequence ? rendered : undefined;
    if (this.clock.now() - (newest.at + newest.duration * 1000) > STALLED_FOR_MS) {
      throw new LiveMixError('source_offline', 'The encoder has been silent for ten minutes.', {
        retryAfter: 2,
      });
    }
    if (known?.newest === newest.sequence) return known.playlist;
    const list = liveList(records, LIVE_SEGMENTS);
    if (known === undefined && !early && !lastsEnough(list)) return undefined;
    const playlist = renderLive(rendition.place.source, rendition.place.rendition, list);
    this.#rendered.set(rendition, { newest: newest.sequence, playlist });
    return playlist;
  }

  /** Players begin badly on a list of one segment: the first request waits, but not for ever. */
  async #firstList(rendition: Rendition, gone: AbortSignal): Promise<RenderedPlaylist> {
    const arrived = new AbortController();
    const unfollow = rendition.follow(() => {
      if (this.#list(rendition) !== undefined) arrived.abort();
    });
    await this.clock.sleep(HOLD, AbortSignal.any([arrived.signal, gone]));
    unfollow();
    const playlist = this.#list(rendition, true);
    if (playlist !== undefined) return playlist;
    throw new LiveMixError('source_starting', 'The source has no segment yet.', { retryAfter: 1 });
  }

  #readNow(key: string, name: SegmentName): Promise<FoundSegment | undefined> | undefined {
    const rendition = this.sources.find(name.source)?.rendition(name.rendition);
    const record = rendition && recordNamed(rendition, name);
    const part = record && partNamed(record, name.fileName);
    if (rendition === undefined || part === undefined) return undefined;
    const reading = this.sources.spool
      .read(rendition.place, record!)
      .then((kept) => {
        const found = { bytes: cutOut(kept, part), live: true };
        this.#read.set(key, found);
        return found;
      })
      .finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    return reading;
  }
}

/** The segment that a URL names, or one that carries what it names: the newest, as that stays longest. */
function recordNamed({ window }: Rendition, { sequence, fileName }: SegmentName): SegmentRecord | undefined {
  const numbered = window.find(sequence);
  if (numbered !== undefined && partNamed(numbered, fileName) !== undefined) return numbered;
  return window.records.findLast(
    (record) => record.carries !== undefined && partNamed(record, fileName) !== undefined,
  );
}
