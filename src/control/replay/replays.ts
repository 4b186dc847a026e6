import { LRUCache } from 'lru-cache';
import type { CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import { LiveMixError } from '../../media/error.ts';
import { MAIN } from '../../media/name.ts';
import type { RenderedPlaylist } from '../../serve/rendered-playlist.ts';
import type { RecordedSegments } from '../recordings/recorded-segments.ts';
import type { Recordings } from '../recordings/recordings.ts';
import { ReplayPlaylist, settledPrefix } from './replay-playlist.ts';
import type { ReplaySegments } from './replay-segments.ts';

/** Recordings whose playlists are kept at hand. */
const MAX_PLAYED = 500;
/** Segments that are brought into the cache when a replay begins, and ahead of each one that is asked for. */
const FIRST = 4;
const AHEAD = 3;

type Played = {
  readonly id: string;
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

  /** The playlist of a recording. Throws `recording_unknown`, `recording_empty` while it has nothing. */
  async playlist(id: string): Promise<RenderedPlaylist> {
    const recording = this.recordings.get(id);
    const rows = await this.recorded.of(recording);
    const shown = settledPrefix(recording, ofMain(rows));
    let played = this.#played.get(id);
    if (played === undefined) {
      played = { id, playlist: new ReplayPlaylist(), shown };
      this.#played.set(id, played);
      this.segments.readAhead(shown.slice(0, FIRST));
    }
    played.shown = shown;
    const rendered = await played.playlist.of(recording, shown);
    if (rendered === undefined) throw nothingYet(recording);
    return rendered;
  }

  /** What a recording has, in order, for a download. Throws as `playlist` does. */
  async content(id: string): Promise<readonly CatalogSegment[]> {
    const recording = this.recordings.get(id);
    const shown = settledPrefix(recording, ofMain(await this.recorded.of(recording)));
    const media = shown.filter(({ record }) => record.gap === undefined);
    if (media.length === 0) throw nothingYet(recording);
    return media;
  }

  /** A viewer asked for this segment: the next ones of the recordings that are being watched are brought. */
  askedFor(source: string, rendition: string, sequence: number): void {
    for (const { id, shown } of this.#played.values()) {
      if (this.recordings.find(id)?.source !== source) continue;
      const index = indexOf(shown, rendition, sequence);
      if (index >= 0) this.segments.readAhead(shown.slice(index + 1, index + 1 + AHEAD));
    }
  }

  forget(id: string): void {
    this.#played.delete(id);
  }
}

/** There is one rendition until there are several. */
const ofMain = (rows: readonly CatalogSegment[]): readonly CatalogSegment[] =>
  rows.every(({ rendition }) => rendition === MAIN)
    ? rows
    : rows.filter(({ rendition }) => rendition === MAIN);

function indexOf(rows: readonly CatalogSegment[], rendition: string, sequence: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows[middle]!.record.sequence < sequence) low = middle + 1;
    else high = middle;
  }
  const found = rows[low];
  return found?.record.sequence === sequence && found.rendition === rendition ? low : -1;
}

const nothingYet = ({ ended }: CatalogRecording) =>
  ended === undefined
    ? new LiveMixError('recording_empty', 'Nothing of the recording has been stored yet.', { retryAfter: 1 })
    : new LiveMixError('recording_empty', 'The recording has no media: none was made in its time.');
