import { LiveMixError } from '../../media/error.ts';
import type { Clock } from '../../runtime/clock.ts';

/** Playlists of one rendition that are taken in a second. */
const PER_SECOND = 20;

/** Counts the playlists of each source, second by second, and refuses what is too much for one. */
export class PlaylistRate {
  readonly #counts = new Map<string, { second: number; count: number }>();

  constructor(private readonly clock: Clock) {}

  /** @param renditions how many the source is known to have. Throws `too_many_playlists` */
  count(source: string, renditions: number): void {
    const second = Math.floor(this.clock.monotonic() / 1000);
    const counted = this.#counts.get(source);
    if (counted === undefined || counted.second !== second) {
      if (this.#counts.size > 1_000) this.#counts.clear();
      this.#counts.set(source, { second, count: 1 });
      return;
    }
    counted.count += 1;
    const most = PER_SECOND * Math.max(1, renditions);
    if (counted.count > most) {
      const detail = `More than ${most} playlists came within a second.`;
      throw new LiveMixError('too_many_playlists', detail, { retryAfter: 1 });
    }
  }
}
