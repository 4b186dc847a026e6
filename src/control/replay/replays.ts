import { LRUCache } from 'lru-cache';
import type { CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import { bestVariant } from '../../hls/best-variant.ts';
import { withOnly } from '../../hls/render-multivariant.ts';
import { namesOwnKeys, withSessionKeys } from '../../hls/session-keys.ts';
import { LiveMixError } from '../../media/error.ts';
import { MAIN } from '../../media/name.ts';
import { multivariantAsSent, type RenderedPlaylist } from '../../serve/rendered-playlist.ts';
import type { RecordedSegments } from '../recordings/recorded-segments.ts';
import { lacksMedia, type RecordingGap } from '../recordings/recording-gaps.ts';
import type { Recordings } from '../recordings/recordings.ts';
import { encrypted, isEncrypted } from './joined.ts';
import { beginningOf, ReplayPlaylist, settledPrefix } from './replay-playlist.ts';
import type { ReplaySegments } from './replay-segments.ts';

/** Recordings whose playlists are kept at hand. */
const MAX_PLAYED = 500;
/** Segments that are brought into the cache when a replay begins, and ahead of each one that is asked for. */
const FIRST = 4;
const AHEAD = 3;

type Played = {
  readonly id: string;
  readonly rendition: string;
  readonly playlist: ReplayPlaylist;
  shown: readonly CatalogSegment[];
};

/** Recordings that are being watched: their playlists, and what their viewers will ask for next. */
export class Replays {
  readonly #played = new LRUCache<string, Played>({ max: MAX_PLAYED });

  constructor(
    private readonly recordings: Recordings,
    private readonly recorded: RecordedSegments,
    private readonly segments: ReplaySegments,
  ) {}

  /** The playlist that names the renditions of a recording; undefined where it has but one. Throws `recording_unknown`. */
  async multivariant(id: string): Promise<RenderedPlaylist | undefined> {
    const recording = this.recordings.get(id);
    if (recording.multivariant === undefined) return undefined;
    const stored = await this.recorded.renditions(recording);
    const text = withOnly(recording.multivariant, (uri) => stored.has(renditionOf(uri)));
    if (text === undefined) return undefined;
    if (!namesOwnKeys(text)) return multivariantAsSent(text);
    return multivariantAsSent(withSessionKeys(text, [...stored.values()].map(beginningOf)));
  }

  /** The playlist of a rendition of a recording. Throws `recording_unknown`, `recording_empty` while it has nothing. */
  async playlist(id: string, rendition: string): Promise<RenderedPlaylist> {
    const recording = this.recordings.get(id);
    const shown = await this.#shown(recording, rendition);
    const key = `${id}/${rendition}`;
    let played = this.#played.get(key);
    if (played === undefined) {
      played = { id, rendition, playlist: new ReplayPlaylist(), shown };
      this.#played.set(key, played);
      this.segments.readAhead(shown.slice(0, FIRST));
    }
    played.shown = shown;
    const rendered = await played.playlist.of(recording, shown);
    if (rendered === undefined) throw await this.#nothing(recording);
    return rendered;
  }

  /**
   * The rendition of a recording that one file is made of where nobody asks for another: the best variant. Throws
   * `download_impossible` where that has its sound apart.
   */
  async best(id: string): Promise<string> {
    const named = (await this.multivariant(id))?.text.toString();
    if (named === undefined) return this.main(id);
    const { uri, apart } = bestVariant(named)!;
    if (apart.length === 0) return renditionOf(uri);
    const stored = await this.recorded.renditions(this.recordings.get(id));
    const clear = [uri, ...apart].map(renditionOf).filter((one) => !isEncrypted(stored.get(one) ?? NOTHING));
    if (clear.length === 0) throw encrypted();
    throw new LiveMixError('download_impossible', 'Its sound and its picture are renditions of their own.', {
      hint: `Play its index.m3u8, or download each, with ?rendition=NAME (--rendition NAME): ${clear.join(', ')}.`,
    });
  }

  /** The rendition of a recording that has but one. */
  async main(id: string): Promise<string> {
    const stored = await this.recorded.renditions(this.recordings.get(id));
    const [first = MAIN] = stored.keys();
    return stored.has(MAIN) ? MAIN : first;
  }

  /** What a rendition of a recording has, in order, for a download. Throws as `playlist` does. */
  async content(id: string, rendition: string): Promise<readonly CatalogSegment[]> {
    const recording = this.recordings.get(id);
    const shown = await this.#shown(recording, rendition);
    const media = shown.filter(({ record }) => record.gap === undefined);
    if (media.length === 0) throw await this.#nothing(recording);
    return media;
  }

  async #nothing(recording: CatalogRecording): Promise<LiveMixError> {
    return nothingOf(recording, (await this.recorded.content(recording)).gaps);
  }

  async #shown(recording: CatalogRecording, rendition: string): Promise<readonly CatalogSegment[]> {
    const stored = await this.recorded.renditions(recording);
    const rows = stored.get(rendition) ?? NOTHING;
    if (rows === NOTHING && stored.size > 0) throw noSuchRendition(stored);
    return settledPrefix(recording, rows);
  }

  /** A viewer asked for this segment: the next ones of the recordings that are being watched are brought. */
  askedFor(source: string, rendition: string, sequence: number): void {
    for (const { id, rendition: played, shown } of this.#played.values()) {
      if (played !== rendition || this.recordings.find(id)?.source !== source) continue;
      const index = indexOf(shown, sequence);
      if (index >= 0) this.segments.readAhead(shown.slice(index + 1, index + 1 + AHEAD));
    }
  }

  forget(id: string): void {
    for (const [key, played] of this.#played.entries()) if (played.id === id) this.#played.delete(key);
  }
}

const renditionOf = (uri: string): string => uri.replace(/\.m3u8$/, '');

const NOTHING: readonly CatalogSegment[] = [];

const noSuchRendition = (stored: ReadonlyMap<string, unknown>) =>
  new LiveMixError('not_found', 'The recording has no such rendition.', {
    hint: `It has ${[...stored.keys()].join(', ')}.`,
  });

function indexOf(rows: readonly CatalogSegment[], sequence: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows[middle]!.record.sequence < sequence) low = middle + 1;
    else high = middle;
  }
  return rows[low]?.record.sequence === sequence ? low : -1;
}

/** Why a recording has nothing to show. @param gaps all that is known to be missing of it */
function nothingOf({ ended }: CatalogRecording, gaps: readonly RecordingGap[]): LiveMixError {
  if (ended === undefined) {
    return new LiveMixError('recording_empty', 'Nothing of the recording has been stored yet.', {
      retryAfter: 1,
    });
  }
  if (!lacksMedia(gaps)) {
    return new LiveMixError('recording_empty', 'The recording has no media: none was made in its time.', {
      hint: 'Check the encoder, and record again.',
    });
  }
  const lengths = new Map<string, number>();
  for (const { from, until, reason } of gaps) {
    lengths.set(reason, (lengths.get(reason) ?? 0) + (until - from) / 1_000);
  }
  const stated = [...lengths].map(([reason, length]) => `${reason} for ${Number(length.toFixed(1))} s`);
  return new LiveMixError('recording_empty', `Nothing of the recording is stored: ${stated.join(', ')}.`, {
    hint: 'docs/errors.md says of each reason what to do.',
  });
}
