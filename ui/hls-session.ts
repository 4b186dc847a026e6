import Hls, { type ErrorData } from 'hls.js';
import { Backoff } from './backoff.ts';
import { hlsSettings } from './hls-settings.ts';
import { positionOf } from './moment.ts';
import type { PlayNotes, PlaySession } from './play-session.ts';
import type { Programme } from './programme.ts';

export { Hls };

/** Media errors within this time of each other need more than the gentle cure. */
const MEDIA_ERRORS_APART_MS = 3000;
/** So little that is still to be shown does not count, nor does a list that begins so little later. */
const BEHIND_S = 0.5;
/** After this many failures the picture is given up and everything is loaded anew. */
const GENTLE_TRIES = 3;

/** Plays with hls.js and starts again after every fatal error, for ever. */
export class HlsSession implements PlaySession {
  readonly #video: HTMLVideoElement;
  readonly #url: string;
  readonly #live: boolean;
  readonly #notes: PlayNotes;
  readonly #hls: Hls;
  readonly #backoff = new Backoff();
  #parsed = false;
  #suspended = false;
  #jumpWhenKnown = false;
  #mediaErrorAt = Number.NEGATIVE_INFINITY;

  constructor(video: HTMLVideoElement, { url, kind }: Programme, notes: PlayNotes) {
    this.#video = video;
    this.#url = url;
    this.#live = kind === 'live';
    this.#notes = notes;
    const hls = new Hls(hlsSettings(kind));
    this.#hls = hls;
    hls.on(Hls.Events.ERROR, (_, data) => this.#onError(data));
    hls.on(Hls.Events.MANIFEST_PARSED, (_, { levels }) => {
      this.#parsed = true;
      if (!this.#live) this.#startAtBeginning(levels[0]?.details?.startTimeOffset);
      this.#play();
    });
    hls.on(Hls.Events.FRAG_BUFFERED, () => this.#backoff.succeeded());
    hls.on(Hls.Events.LEVEL_UPDATED, (_, { details }) => {
      if (!this.#jumpWhenKnown && !this.#isLeftBehind(details.fragmentStart)) return;
      this.#jumpWhenKnown = false;
      this.jumpToLive();
    });
    hls.loadSource(url);
    hls.attachMedia(video);
  }

  suspend(): void {
    this.#suspended = true;
    this.#hls.stopLoad();
  }

  resume(): void {
    if (!this.#suspended) return;
    this.#suspended = false;
    this.#jumpWhenKnown = this.#live;
    this.#load();
  }

  behind(): number | undefined {
    const { latency } = this.#hls;
    return this.#parsed && latency > 0 ? latency : undefined;
  }

  jumpToLive(): void {
    const live = this.#hls.liveSyncPosition;
    if (live !== null && live > this.#video.currentTime) this.#video.currentTime = live;
  }

  takenAt(): number | undefined {
    return this.#live ? undefined : this.#hls.playingDate?.getTime();
  }

  seekTo(takenAt: number): void {
    const parts = this.#hls.latestLevelDetails?.fragments ?? [];
    const position = positionOf(parts, takenAt) ?? parts.at(-1)?.start;
    if (position !== undefined) this.#video.currentTime = position;
  }

  close(): void {
    this.#backoff.cancel();
    this.#hls.destroy();
  }

  /**
   * Whether a live list has moved on past the end of what is there to be shown, as after an outage. hls.js (1.7) looks for a
   * segment that follows its last one then; where the discontinuity number is another it finds none, and stands still for ever.
   */
  #isLeftBehind(listStart: number): boolean {
    if (!this.#live || !this.#notes.wantsPlay()) return false;
    const { currentTime, buffered } = this.#video;
    for (let range = 0; range < buffered.length; range++)
      if (buffered.end(range) > currentTime + BEHIND_S) return false;
    return currentTime + BEHIND_S < listStart;
  }

  /** Without this, hls.js starts a list that still grows at its end. What the list itself asks for goes first. */
  #startAtBeginning(asked: number | null | undefined): void {
    const { config } = this.#hls;
    if (config.startPosition === -1 && typeof asked !== 'number') config.startPosition = 0;
  }

  #onError({ fatal, type, details }: ErrorData): void {
    if (!fatal) {
      this.#notes.error();
      return;
    }
    this.#notes.fatal(details);
    if (type === Hls.ErrorTypes.MEDIA_ERROR && this.#parsed) this.#recoverMedia();
    else this.#loadLater();
  }

  /** The cure hls.js names; when it does not hold, everything anew, with a pause. */
  #recoverMedia(): void {
    const now = performance.now();
    const soonAgain = now - this.#mediaErrorAt < MEDIA_ERRORS_APART_MS;
    this.#mediaErrorAt = now;
    if (soonAgain) {
      this.#parsed = false;
      this.#loadLater();
    } else {
      this.#hls.recoverMediaError();
      this.#play();
    }
  }

  #loadLater(): void {
    this.#backoff.failed(() => {
      if (this.#suspended) return;
      if (this.#notes.mayLoad()) this.#load();
      else this.#loadLater();
    });
  }

  /** Goes on where the playlist is known and the picture can stay; else from the start. */
  #load(): void {
    if (this.#parsed && this.#backoff.failures < GENTLE_TRIES) {
      this.#hls.startLoad(-1);
    } else {
      this.#parsed = false;
      if (!this.#live && this.#video.currentTime > 0)
        this.#hls.config.startPosition = this.#video.currentTime;
      this.#hls.loadSource(this.#url);
    }
  }

  /** A browser that refuses to start by itself leaves the video paused, and the status line says so. */
  #play(): void {
    if (this.#notes.wantsPlay()) this.#video.play().catch(() => {});
  }
}
