import { Backoff } from './backoff.ts';
import type { PlayNotes, PlaySession } from './play-session.ts';
import type { Programme } from './programme.ts';

/** Safari's own: the time of the first picture of the list. */
type DatedVideo = HTMLVideoElement & { getStartDate?: () => Date };

/** Plays with the browser's own HLS, where Media Source Extensions are missing (older iPhones). */
export class NativeSession implements PlaySession {
  readonly #video: HTMLVideoElement;
  readonly #url: string;
  readonly #live: boolean;
  readonly #notes: PlayNotes;
  readonly #backoff = new Backoff();
  readonly #listening = new AbortController();
  /** Where a recording begins, or goes on after it had to be loaded anew. */
  #position = 0;

  constructor(video: HTMLVideoElement, { url, kind }: Programme, notes: PlayNotes) {
    this.#video = video;
    this.#url = url;
    this.#live = kind === 'live';
    this.#notes = notes;
    const { signal } = this.#listening;
    video.addEventListener('error', () => this.#onError(), { signal });
    video.addEventListener('playing', () => this.#backoff.succeeded(), { signal });
    const goOn = () => {
      if (!this.#live) video.currentTime = this.#position;
    };
    video.addEventListener('loadedmetadata', goOn, { signal });
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

  takenAt(): number | undefined {
    const begin = this.#live ? undefined : this.#beginAt();
    return begin === undefined ? undefined : begin + this.#video.currentTime * 1000;
  }

  seekTo(takenAt: number): void {
    const begin = this.#beginAt();
    if (begin !== undefined) this.#video.currentTime = Math.max(0, (takenAt - begin) / 1000);
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

  #beginAt(): number | undefined {
    const begin = (this.#video as DatedVideo).getStartDate?.().getTime();
    return begin === undefined || Number.isNaN(begin) ? undefined : begin;
  }

  #load(): void {
    this.#video.src = this.#url;
    if (this.#notes.wantsPlay()) this.#video.play().catch(() => {});
  }

  #unload(): void {
    this.#position = this.#video.currentTime;
    this.#video.removeAttribute('src');
    this.#video.load();
  }

  #onError(): void {
    if (!this.#video.hasAttribute('src')) return;
    this.#position = this.#video.currentTime;
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
