import { effect, type ReadonlySignal, signal } from '@preact/signals';
import { playlistUrl, type Source } from './api.ts';
import { openSession, type PlaySession } from './play-session.ts';
import { Rest } from './rest.ts';
import type { SourcesFeed } from './sources-feed.ts';
import { ViewerPause } from './viewer-pause.ts';

/** A picture that has not moved for this long is buffering; for this long, stalled. */
const BUFFERING_MS = 1500;
const STALLED_MS = 8000;
const LOOK_MS = 400;

export type PlaybackState =
  | 'asking' // the sources are not known yet
  | 'missing' // no source of this name
  | 'off'
  | 'offline' // and nothing to show: starts as soon as it is back
  | 'starting'
  | 'live'
  | 'buffering'
  | 'stalled'
  | 'paused';

export type PlaybackView = {
  readonly state: PlaybackState;
  /** Whole seconds behind the end of the live list, where known. */
  readonly behind: number | undefined;
  /** Errors of all sessions of this player. */
  readonly errors: number;
  readonly fatal: number;
  /** The last fatal error, until the picture moves again. */
  readonly lastFatal: string;
};

const NOTHING_YET: PlaybackView = {
  state: 'asking',
  behind: undefined,
  errors: 0,
  fatal: 0,
  lastFatal: '',
};

/** Plays one source on one video element for as long as `/v1/sources` says that it makes sense. */
export class Playback {
  readonly #video: HTMLVideoElement;
  readonly #feed: SourcesFeed;
  readonly #name: string;
  readonly #view = signal(NOTHING_YET);
  readonly #rest = new Rest(
    () => this.#session?.suspend(),
    () => this.#session?.resume(),
  );
  readonly #pause: ViewerPause;
  readonly #ends: (() => void)[];
  /** Stands for the wish to play, from before its session is loaded until it is closed. */
  #life: object | undefined;
  #session: PlaySession | undefined;
  #shownTime = 0;
  #movedAt: number | undefined;

  constructor(video: HTMLVideoElement, name: string, feed: SourcesFeed) {
    this.#video = video;
    this.#name = name;
    this.#feed = feed;
    this.#pause = new ViewerPause(video, () => this.#lookAtViewer());
    const onVisibility = () => this.#lookAtViewer();
    document.addEventListener('visibilitychange', onVisibility);
    const looking = setInterval(() => this.#look(), LOOK_MS);
    this.#ends = [
      () => document.removeEventListener('visibilitychange', onVisibility),
      () => clearInterval(looking),
      () => this.#pause.close(),
      () => this.#rest.close(),
      effect(() => this.#follow(feed.sources.value)),
    ];
    this.#lookAtViewer();
  }

  get view(): ReadonlySignal<PlaybackView> {
    return this.#view;
  }

  jumpToLive(): void {
    this.#session?.jumpToLive();
  }

  close(): void {
    for (const end of this.#ends) end();
    this.#shut();
  }

  /** Starts where the source can be played; ends where it is off or gone; rides out everything else. */
  #follow(sources: readonly Source[] | undefined): void {
    const source = sources?.find(({ name }) => name === this.#name);
    if (sources === undefined) return;
    if (source === undefined || source.mode === 'off') this.#shut();
    else if (this.#life === undefined && source.state !== 'offline') void this.#open();
    this.#look();
  }

  async #open(): Promise<void> {
    const life = {};
    this.#life = life;
    const session = await openSession(this.#video, playlistUrl(this.#name), {
      error: () => this.#show({ errors: this.#view.peek().errors + 1 }),
      fatal: (what) => this.#show({ fatal: this.#view.peek().fatal + 1, lastFatal: what }),
      mayLoad: () => mayLoad(this.#source()),
      wantsPlay: () => !this.#pause.paused,
    }).catch(() => undefined);
    if (life !== this.#life) return session?.close();
    this.#session = session;
    // The player could not be fetched: the next answer about the sources tries again.
    if (session === undefined) this.#life = undefined;
  }

  #shut(): void {
    this.#life = undefined;
    this.#session?.close();
    this.#session = undefined;
    this.#movedAt = undefined;
  }

  #source(): Source | undefined {
    return this.#feed.sources.peek()?.find(({ name }) => name === this.#name);
  }

  #lookAtViewer(): void {
    this.#rest.watched(!this.#pause.paused && !document.hidden);
    this.#look();
  }

  #look(): void {
    const now = performance.now();
    const { currentTime, readyState } = this.#video;
    if (currentTime !== this.#shownTime && readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
      this.#movedAt = now;
    }
    this.#shownTime = currentTime;
    const state = this.#state(now);
    const behind = this.#movedAt === undefined ? undefined : this.#session?.behind();
    this.#show({
      state,
      behind: behind === undefined ? undefined : Math.round(behind),
      ...(state === 'live' ? { lastFatal: '' } : {}),
    });
  }

  #state(now: number): PlaybackState {
    if (this.#feed.sources.peek() === undefined) return 'asking';
    const source = this.#source();
    if (source === undefined) return 'missing';
    if (source.mode === 'off') return 'off';
    if (this.#pause.paused || this.#refusedToStart()) return 'paused';
    if (this.#movedAt === undefined) return source.state === 'offline' ? 'offline' : 'starting';
    const still = now - this.#movedAt;
    if (still < BUFFERING_MS) return 'live';
    return still < STALLED_MS ? 'buffering' : 'stalled';
  }

  /** There is a picture, but this browser wants the viewer to start it. */
  #refusedToStart(): boolean {
    return this.#video.paused && this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
  }

  #show(change: Partial<PlaybackView>): void {
    const before = this.#view.peek();
    const after = { ...before, ...change };
    const keys = Object.keys(after) as (keyof PlaybackView)[];
    if (keys.some((key) => before[key] !== after[key])) this.#view.value = after;
  }
}

const mayLoad = (source: Source | undefined): boolean =>
  source !== undefined && source.mode !== 'off' && source.state !== 'offline';
