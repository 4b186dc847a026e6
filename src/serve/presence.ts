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

type Watched = {
  lastAt: Millis;
  /** Responses of its media that are being sent. */
  sending: number;
  readonly viewers: Map<string, Viewer>;
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

  /** A playlist was asked for. */
  polled(source: string, request: IncomingMessage): void {
    const watched = this.touched(source);
    const userAgent = request.headers['user-agent'];
    const before = this.#ofSocket.get(request.socket);
    if (before?.watched === watched && before.userAgent === userAgent && !before.viewer.forgotten) {
      before.viewer.lastAt = watched.lastAt;
      return;
    }
    const viewer = this.#viewerOf(watched, `${request.socket.remoteAddress} ${userAgent ?? ''}`);
    if (viewer !== undefined) this.#ofSocket.set(request.socket, { watched, userAgent, viewer });
  }

  #viewerOf(watched: Watched, key: string): Viewer | undefined {
    let viewer = watched.viewers.get(key);
    if (viewer === undefined) {
      if (this.#viewers >= MAX_VIEWERS) return undefined;
      this.#viewers += 1;
      viewer = { lastAt: watched.lastAt, forgotten: false };
      watched.viewers.set(key, viewer);
    }
    viewer.lastAt = watched.lastAt;
    return viewer;
  }

  /** Something of the source was asked for. */
  touched(source: string): Watched {
    let watched = this.#watched.get(source);
    if (watched === undefined) {
      watched = { lastAt: millis(0), sending: 0, viewers: new Map() };
      this.#watched.set(source, watched);
    }
    watched.lastAt = this.clock.monotonic();
    return watched;
  }

  /** Media of the source is being sent until the answer is called. */
  sending(source: string): () => void {
    const watched = this.touched(source);
    watched.sending += 1;
    return () => {
      watched.sending -= 1;
      watched.lastAt = this.clock.monotonic();
    };
  }

  isWatched(source: string, targetDuration: number): boolean {
    const watched = this.#watched.get(source);
    if (watched === undefined) return false;
    return watched.sending > 0 || this.clock.monotonic() - watched.lastAt <= presenceLasts(targetDuration);
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
}
