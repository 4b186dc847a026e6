import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import { sharedHead } from '../../hls/head-lines.ts';
import { type MediaUrls, RECORDING_END, renderRecordingHead, SegmentWriter } from '../../hls/render.ts';
import { carriedFileName, segmentFileName } from '../../media/carried.ts';
import { roundedDuration } from '../../media/segment-record.ts';
import { seconds } from '../../media/units.ts';
import { asSent, type RenderedPlaylist, segmentFolder } from '../../serve/rendered-playlist.ts';

const pack = promisify(gzip);

/** What a viewer of a recording is shown: what is settled, from the beginning on, and nothing after it that might still change. */
export function settledPrefix(
  { settledUntil, ended }: CatalogRecording,
  segments: readonly CatalogSegment[],
): readonly CatalogSegment[] {
  if (ended !== undefined) return segments;
  const open = segments.findIndex(({ record }) => record.at >= settledUntil);
  return open < 0 ? segments : segments.slice(0, open);
}

/** What the list of a recording begins with: the first segment that is there, and what it needs. */
export function beginningOf(shown: readonly CatalogSegment[]): string {
  const first = shown.find(({ record }) => record.gap === undefined);
  return first === undefined ? '' : new SegmentWriter(urlsOf(shown)).write(first.record, false);
}

/**
 * The playlist of a recording, made once per change. It only grows: what was listed once is not rendered again, so
 * that a recording of a day costs no more per segment than one of a minute.
 */
export class ReplayPlaylist {
  #body = '';
  #writer: SegmentWriter | undefined;
  #listed: readonly CatalogSegment[] = [];
  #targetDuration = 1;
  #shared: readonly string[] | undefined;
  #rendered: Promise<RenderedPlaylist> | undefined;
  #ended = false;

  /** The playlist as it is now; undefined while there is nothing to show. */
  async of(
    recording: CatalogRecording,
    shown: readonly CatalogSegment[],
  ): Promise<RenderedPlaylist | undefined> {
    const first = shown[0];
    if (first === undefined) return undefined;
    const ended = recording.ended !== undefined;
    const goesOn = shown === this.#listed || this.#listed.every((row, at) => row === shown[at]);
    const isSame = goesOn && shown.length === this.#listed.length && ended === this.#ended;
    if (this.#rendered !== undefined && isSame) return this.#rendered;
    if (!goesOn) this.#startOver();
    this.#append(shown);
    this.#ended = ended;
    this.#rendered = this.#render(recording, first);
    return this.#rendered;
  }

  async #render({ from, ended }: CatalogRecording, first: CatalogSegment): Promise<RenderedPlaylist> {
    const head = renderRecordingHead({
      startOffset: seconds(Math.max(0, from - first.record.at) / 1000),
      targetDuration: this.#targetDuration,
      shared: this.#shared ?? [],
    });
    const text = Buffer.from(head + this.#body + (ended === undefined ? '' : RECORDING_END));
    const targetDuration = this.#targetDuration;
    const packed = await pack(text, { level: 4 });
    return asSent(text, targetDuration, () => packed);
  }

  /** What was listed has changed: an object was lost, or found again. */
  #startOver(): void {
    this.#body = '';
    this.#writer = undefined;
    this.#targetDuration = 1;
    this.#shared = undefined;
    this.#listed = [];
  }

  #append(shown: readonly CatalogSegment[]): void {
    for (let index = this.#listed.length; index < shown.length; index++) {
      const { record } = shown[index]!;
      this.#writer ??= new SegmentWriter(urlsOf(shown));
      const before = shown[index - 1]?.record;
      const breaks =
        before !== undefined && (record.discontinuity || before.sequence + 1 !== record.sequence);
      this.#body += this.#writer.write(record, breaks);
      this.#shared = (this.#shared ?? sharedHead([record])).filter((line) => record.head?.includes(line));
      this.#targetDuration = Math.max(this.#targetDuration, record.targetDuration, roundedDuration(record));
    }
    this.#listed = shown;
  }
}

/**
 * Where the segments of a recording are. What they carry is named after the first segment of the recording that has
 * it: the first of all may lie before the recording, and be gone.
 */
function urlsOf(shown: readonly CatalogSegment[]): MediaUrls {
  const { source, rendition } = shown[0]!;
  const folder = segmentFolder(source, rendition);
  const firstWith = new Map<string, number>();
  return {
    segment(record) {
      return folder + segmentFileName(record);
    },
    carried(carried, { sequence }) {
      const first = firstWith.get(carried.digest) ?? sequence;
      firstWith.set(carried.digest, first);
      return folder + carriedFileName(carried, first);
    },
  };
}
