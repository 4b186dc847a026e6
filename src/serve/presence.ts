import type { IncomingMessage } from 'node:http';
import { type Millis, millis } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';

/** Somebody watches a source for this long after the last request, or three target durations if that is longer. */
const PRESENT_FOR = millis(15_000);
/** Viewers that are told apart, over all sources; further ones are not counted. */
const MAX_VIEWERS = 200_000;

/** How long presence of a source lasts after a request. */
export const presenceLasts = (targetDuration: number): Millis =>
  millis(Math.max(PRESENT_FOR, 3_000 * targetDuration));

/** Who watches one source. */
type Watched = {
  readonly viewers: Map<string, Viewer>;
  /** Its renditions that somebody asked for. There are no more than it has. */
  readonly renditions: Map<string, Played>;
};

type Played = {
  lastAt: Millis;
  /** Responses of its media that are being sent. */
  sending: number;
};

type Viewer = { lastAt: Millis; forgotten: boolean };

/** Who watches what: from playlist polls, so that it works behind a cache, too (as a lower bound). */
export class Presence {
  readonly #watched = new Map<string, Watched>();
  #viewers = 0;
  /** Whom a connection's last poll was from: a player polls over one connection for hours. */
  readonly #ofSocket = new WeakMap<
    object,
    { watched: Watched; userAgent: string | undefined; viewer: Viewer }
  >();

  constructor(private readonly clock: Clock) {}

  /** A playlist was asked for: a rendition's, or the one that names them all. */
  polled(source: string, rendition: string | undefined, request: IncomingMessage): void {
    const watched = this.#of(source);
    const now = this.clock.monotonic();
    if (rendition !== undefined) playedOf(watched, rendition).lastAt = now;
    const userAgent = request.headers['user-agent'];
    const before = this.#ofSocket.get(request.socket);
    if (before?.watched === watched && before.userAgent === userAgent && !before.viewer.forgotten) {
      before.viewer.lastAt = now;
      return;
    }
    const viewer = this.#viewerOf(watched, `${request.socket.remoteAddress} ${userAgent ?? ''}`, now);
    if (viewer !== undefined) this.#ofSocket.set(request.socket, { watched, userAgent, viewer });
  }

  #viewerOf(watched: Watched, key: string, now: Millis): Viewer | undefined {
    let viewer = watched.viewers.get(key);
    if (viewer === undefined) {
      if (this.#viewers >= MAX_VIEWERS) return undefined;
      this.#viewers += 1;
      viewer = { lastAt: now, forgotten: false };
      watched.viewers.set(key, viewer);
    }
    viewer.lastAt = now;
    return viewer;
  }

  /** Something of a rendition was asked for. */
  touched(source: string, rendition: string): Played {
    const played = playedOf(this.#of(source), rendition);
    played.lastAt = this.clock.monotonic();
    return played;
  }

  /** Media of a rendition is being sent until the answer is called. */
  sending(source: string, rendition: string): () => void {
    const played = this.touched(source, rendition);
    played.sending += 1;
    return () => {
      played.sending -= 1;
      played.lastAt = this.clock.monotonic();
    };
  }

  /** Whether somebody watches any rendition of a source. */
  isWatched(source: string, targetDuration: number): boolean {
    return this.watchedOf(source, targetDuration).length > 0;
  }

  /** The renditions of a source that somebody watches. */
  watchedOf(source: string, targetDuration: number): readonly string[] {
    const watched = this.#watched.get(source);
    if (watched === undefined) return NOBODY;
    const since = this.clock.monotonic() - presenceLasts(targetDuration);
    return [...watched.renditions]
      .filter(([, { sending, lastAt }]) => sending > 0 || lastAt >= since)
      .map(([rendition]) => rendition);
  }

  /** How many viewers a source has; forgets those that left. */
  viewers(source: string, targetDuration: number): number {
    const viewers = this.#watched.get(source)?.viewers;
    if (viewers === undefined) return 0;
    const leftBefore = this.clock.monotonic() - presenceLasts(targetDuration);
    for (const [key, viewer] of viewers) {
      if (viewer.lastAt >= leftBefore) continue;
      viewer.forgotten = true;
      viewers.delete(key);
      this.#viewers -= 1;
    }
    return viewers.size;
  }

  #of(source: string): Watched {
    let watched = this.#watched.get(source);
    if (watched === undefined) {
      watched = { viewers: new Map(), renditions: new Map() };
      this.#watched.set(source, watched);
    }
    return watched;
  }
}

const NOBODY: readonly string[] = [];

function playedOf({ renditions }: Watched, rendition: string): Played {
  let played = renditions.get(rendition);
  if (played === undefined) {
    played = { lastAt: millis(0), sending: 0 };
    renditions.set(rendition, played);
  }
  return played;
}
