import { Backoff } from './backoff.ts';
import type { PlayNotes, PlaySession } from './play-session.ts';

/** Plays with the browser's own HLS, where Media Source Extensions are missing (older iPhones). */
export class NativeSession implements PlaySession {
  readonly #video: HTMLVideoElement;
  readonly #url: string;
  readonly #notes: PlayNotes;
  readonly #backoff = new Backoff();
  readonly #listening = new AbortController();

  constructor(video: HTMLVideoElement, url: string, notes: PlayNotes) {
    this.#video = video;
    this.#url = url;
    this.#notes = notes;
    const { signal } = this.#listening;
    video.addEventListener('error', () => this.#onError(), { signal });
    video.addEventListener('playing', () => this.#backoff.succeeded(), { signal });
    this.#load();
  }

  suspend(): void {
    this.#unload();
  }

  resume(): void {
    if (!this.#video.hasAttribute('src')) this.#load();
  }

  behind(): number | undefined {
    const end = this.#liveEnd();
    return end === undefined ? undefined : Math.max(0, end - this.#video.currentTime);
  }

  jumpToLive(): void {
    const end = this.#liveEnd();
    if (end !== undefined) this.#video.currentTime = end;
  }

  close(): void {
    this.#listening.abort();
    this.#backoff.cancel();
    this.#unload();
  }

  #liveEnd(): number | undefined {
    const { seekable } = this.#video;
    return seekable.length === 0 ? undefined : seekable.end(seekable.length - 1);
  }

  #load(): void {
    this.#video.src = this.#url;
    if (this.#notes.wantsPlay()) this.#video.play().catch(() => {});
  }

  #unload(): void {
    this.#video.removeAttribute('src');
    this.#video.load();
  }

  #onError(): void {
    if (!this.#video.hasAttribute('src')) return;
    this.#notes.fatal(this.#video.error?.message ?? '');
    this.#loadLater();
  }

  #loadLater(): void {
    this.#backoff.failed(() => {
      if (this.#notes.mayLoad()) this.#load();
      else this.#loadLater();
    });
  }
}
