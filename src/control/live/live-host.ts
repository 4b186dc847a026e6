import { LiveMixError } from '../../media/error.ts';
import { MAIN } from '../../media/name.ts';
import { millis } from '../../media/units.ts';
import type { FoundSegment, LiveHost, SegmentName } from '../../serve/live-routes.ts';
import { Multivariants } from '../../serve/multivariants.ts';
import type { Presence } from '../../serve/presence.ts';
import type { RenderedPlaylist } from '../../serve/rendered-playlist.ts';
import type { Source } from '../sources/source.ts';
import type { Sources } from '../sources/sources.ts';
import type { Channel } from './channel.ts';
import type { Channels } from './channels.ts';
import type { Demand } from './demand.ts';
import type { SharedSegments } from './shared-segments.ts';

/** hls.js gives up on a first playlist after ten seconds. */
const HOLD = millis(9_000);
/** Requests that may wait for a first list at once. */
const MAX_HOLDS = 10_000;
/** A list that stands still for so long is of no use to anybody. */
const STALLED_FOR_MS = 600_000;

/** Segments of recordings by what their URLs say; undefined where no recording has them. */
export interface ReplayedSegments {
  find(name: SegmentName): Promise<Buffer | undefined>;
}

/** Live HLS as control serves it: the table "What a live playlist answers" of the architecture. */
export class ControlLiveHost implements LiveHost {
  #holds = 0;
  readonly #multivariants = new Multivariants();

  constructor(
    private readonly sources: Sources,
    private readonly channels: Channels,
    private readonly demand: Demand,
    /** Where segments are found that no channel owns (any more). */
    private readonly shared: SharedSegments,
    /** Where segments of recordings are found. */
    private readonly replay: ReplayedSegments,
    readonly presence: Presence,
    readonly requestFailed: (requestId: string, error: unknown) => void,
  ) {}

  multivariant(name: string): RenderedPlaylist | undefined {
    const source = this.sources.get(name);
    if (source.entry.mode === 'off') throw switchedOff();
    return this.#multivariantOf(source);
  }

  playlist(
    name: string,
    rendition: string,
    gone: () => AbortSignal,
  ): RenderedPlaylist | Promise<RenderedPlaylist> {
    const source = this.sources.get(name);
    if (source.entry.mode === 'off') throw switchedOff();
    if (!source.has(rendition)) throw source.report === undefined ? starting() : notFound();
    if (!source.wanted.has(rendition)) {
      this.presence.touched(name, rendition);
      this.demand.review(source);
    }
    const channel = this.channels.open(name, rendition);
    const { rendered } = channel;
    if (rendered === undefined) return this.#hold(source, channel, gone());
    if (channel.unchangedFor > STALLED_FOR_MS) throw offline(source);
    return rendered;
  }

  segment(name: SegmentName): FoundSegment | undefined | Promise<FoundSegment | undefined> {
    const owned = this.channels.find(name.source, name.rendition)?.segment(name.sequence, name.fileName);
    return owned === undefined ? this.#elsewhere(name) : { bytes: owned, live: true };
  }

  async #elsewhere(name: SegmentName): Promise<FoundSegment | undefined> {
    const recorded = await this.replay.find(name);
    if (recorded !== undefined) return { bytes: recorded, live: false };
    if (!this.shared.exists || this.sources.find(name.source) === undefined) return undefined;
    const shared = await this.shared.find(name);
    return shared === undefined ? undefined : { bytes: shared, live: true };
  }

  /** An early 503 and an empty list are fatal in every player: the first request waits for the tail. */
  async #hold(source: Source, channel: Channel, gone: AbortSignal): Promise<RenderedPlaylist> {
    if (this.#holds >= MAX_HOLDS) throw starting();
    this.#holds += 1;
    try {
      const playlist = await channel.firstList(HOLD, gone);
      if (playlist !== undefined) return playlist;
      // Its edge has found out meanwhile that it has several.
      const several = channel.rendition === MAIN ? this.#multivariantOf(source) : undefined;
      if (several !== undefined) return several;
      throw source.entry.mode === 'off' ? switchedOff() : starting();
    } finally {
      this.#holds -= 1;
    }
  }

  #multivariantOf(source: Source): RenderedPlaylist | undefined {
    if (source.multivariant === undefined) return undefined;
    const channels = () => [...this.channels.of(source.name)].flatMap(({ rendered }) => rendered ?? []);
    return this.#multivariants.of(source, source.multivariant, channels);
  }
}

const switchedOff = () => new LiveMixError('source_off', 'The source is switched off.', { retryAfter: 30 });

const notFound = () => new LiveMixError('not_found', 'The source has no such rendition.');

const starting = () =>
  new LiveMixError('source_starting', 'No segment of the source has come yet.', { retryAfter: 1 });

const offline = (source: Source) =>
  new LiveMixError('source_offline', source.trouble?.detail ?? 'The source is silent.', { retryAfter: 2 });
