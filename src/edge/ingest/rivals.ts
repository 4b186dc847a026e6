import type { NeedingSegment } from '../../hls/segment-needs.ts';
import { LiveMixError } from '../../media/error.ts';
import type { EncoderSegment } from '../../media/segment-record.ts';
import type { Millis } from '../../media/units.ts';
import { isAsItWas, type Look } from './fresh-segments.ts';
import { nameOf } from './segment-name.ts';

/** Playlists of one encoder's life, as far as they are remembered. */
type Series = {
  /** Counts those of a rendition: the later-come one is the higher. */
  readonly id: number;
  /** The encoder's newest number. */
  newest: number;
  segments: ReadonlyMap<number, EncoderSegment>;
  /** What it listed when it was last refused, by number: its list slides on, and nothing of that was taken. */
  refused?: ReadonlyMap<number, string>;
};

/** An encoder that says nothing for three target durations, or so long if that is longer, is silent. */
const SILENT_AFTER_MS = 3_000;

/**
 * Two encoders that push one rendition. A restart looks the same at first: another series of playlists begins, and is
 * taken at once as a new run. It is a rival where the old series comes back. When that happens for the second time
 * within three target durations, the one that came later is refused until the other is silent.
 */
export class Rivals {
  #current: Series | undefined;
  #earlier: Series | undefined;
  #count = 0;
  #fedAt: Millis | undefined;
  #cameBackAt: Millis | undefined;

  /**
   * Whether a playlist goes on with the series that was there before the present one, with something new. Throws
   * `source_busy` where that is the second time.
   * @param now and `targetDuration` (seconds) say how long ago the first time is
   */
  async comesBack(
    entries: readonly NeedingSegment[],
    look: Look,
    now: Millis,
    targetDuration: number,
  ): Promise<boolean> {
    const earlier = this.#earlier;
    const silentAfter = Math.max(SILENT_AFTER_MS, 3_000 * targetDuration);
    const isSilent = this.#fedAt === undefined || now - this.#fedAt > silentAfter;
    if (earlier === undefined || isSilent) return false;
    if ((entries.at(-1)?.sequence ?? 0) <= earlier.newest) return false;
    if (!(await isOf(earlier, entries, look)) || (await isOf(this.#current!, entries, look))) return false;
    const again = this.#cameBackAt !== undefined && now - this.#cameBackAt <= silentAfter;
    // It is refused for as long as the other goes on.
    if (again && earlier.id > this.#current!.id) {
      this.#cameBackAt = now;
      earlier.refused = new Map(entries.map((entry) => [entry.sequence, nameOf(entry)]));
      throw new LiveMixError(
        'source_busy',
        'Two encoders push this source; the one that came later is refused.',
      );
    }
    this.#cameBackAt = now;
    return true;
  }

  /** A run was opened. `back`: by the series that was there before. */
  opened(back: boolean): void {
    const opening: Series = back ? this.#earlier! : { id: ++this.#count, newest: -1, segments: new Map() };
    this.#earlier = this.#current;
    this.#current = opening;
    delete opening.refused;
  }

  /** The present series is fed: these are its segments as far as they are remembered. */
  fed(newest: number, segments: ReadonlyMap<number, EncoderSegment>, now: Millis): void {
    if (this.#current === undefined) this.opened(false);
    this.#current!.newest = newest;
    this.#current!.segments = segments;
    this.#fedAt = now;
  }
}

/** Whether a playlist lists a segment of a series, under its number and name, and it is as it was taken. */
async function isOf(
  { segments, refused }: Series,
  entries: readonly NeedingSegment[],
  look: Look,
): Promise<boolean> {
  if (entries.some((entry) => refused?.get(entry.sequence) === nameOf(entry))) return true;
  for (const entry of entries.toReversed()) {
    const was = segments.get(entry.sequence);
    if (was !== undefined && (await isAsItWas(entry, was, look))) return true;
  }
  return false;
}
