import { effect, type ReadonlySignal, signal } from '@preact/signals';
import { openSession, type PlaySession } from './play-session.ts';
import type { Programme, Standing } from './programme.ts';
import { Rest } from './rest.ts';
import { ViewerPause } from './viewer-pause.ts';

/** A picture that has not moved for this long is buffering; for this long, stalled. */
const BUFFERING_MS = 1500;
const STALLED_MS = 8000;
const LOOK_MS = 400;
/** This close to the end of a list nothing is left to play. */
const AT_END_S = 1.5;

export type PlaybackState =
  | Exclude<Standing, 'ready'> // and nothing to show: starts as soon as that changes
  | 'starting'
  | 'live'
  | 'playing' // a recording
  | 'buffering'
  | 'waiting' // at the end of what has arrived of a recording
  | 'stalled'
  | 'paused'
  | 'ended';

export type PlaybackView = {
  readonly state: PlaybackState;
  /** Whole seconds behind the end of the live list, where known. */
  readonly behind: number | undefined;
  /** When a recording's picture was taken, in whole seconds as milliseconds since 1970, where known. */
  readonly takenAt: number | undefined;
  /** Errors of all sessions of this player. */
  readonly errors: number;
  readonly fatal: number;
  /** The last fatal error, until the picture moves again. */
  readonly lastFatal: string;
};

export const NOTHING_YET: PlaybackView = {
  state: 'asking',
  behind: undefined,
  takenAt: undefined,
  errors: 0,
  fatal: 0,
  lastFatal: '',
};

/** Plays one programme on one video element for as long as its standing says that it makes sense. */
export class Playback {
  readonly #video: HTMLVideoElement;
  readonly #programme: Programme;
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

  constructor(video: HTMLVideoElement, programme: Programme) {
    this.#video = video;
    this.#programme = programme;
    this.#pause = new ViewerPause(video, () => this.#lookAtViewer());
    const onVisibility = () => this.#lookAtViewer();
    document.addEventListener('visibilitychange', onVisibility);
    const looking = setInterval(() => this.#look(), LOOK_MS);
    this.#ends = [
      () => document.removeEventListener('visibilitychange', onVisibility),
      () => clearInterval(looking),
      () => this.#pause.close(),
      () => this.#rest.close(),
      effect(() => this.#follow(programme.standing())),
    ];
    this.#lookAtViewer();
  }

  get view(): ReadonlySignal<PlaybackView> {
    return this.#view;
  }

  jumpToLive(): void {
    this.#session?.jumpToLive();
  }

  /** Shows what was taken at a moment, or what comes next after it. */
  seekTo(takenAt: number): void {
    this.#session?.seekTo(takenAt);
    this.#look();
  }

  close(): void {
    for (const end of this.#ends) end();
    this.#shut();
  }

  /** Starts where it can be played; ends where it is off or gone; rides out everything else. */
  #follow(standing: Standing): void {
    if (standing === 'asking') return;
    if (standing === 'missing' || standing === 'off') this.#shut();
    else if (this.#life === undefined && standing === 'ready') void this.#open();
    this.#look();
  }

  async #open(): Promise<void> {
    const life = {};
    this.#life = life;
    const session = await openSession(this.#video, this.#programme, {
      error: () => this.#show({ errors: this.#view.peek().errors + 1 }),
      fatal: (what) => this.#show({ fatal: this.#view.peek().fatal + 1, lastFatal: what }),
      mayLoad: () => this.#programme.standing() === 'ready',
      wantsPlay: () => !this.#pause.paused,
    }).catch(() => undefined);
    if (life !== this.#life) return session?.close();
    this.#session = session;
    // The player could not be fetched: the next news of the programme tries again.
    if (session === undefined) this.#life = undefined;
  }

  #shut(): void {
    this.#life = undefined;
    this.#session?.close();
    this.#session = undefined;
    this.#movedAt = undefined;
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
    const session = this.#movedAt === undefined ? undefined : this.#session;
    const [behind, takenAt] = [session?.behind(), session?.takenAt()];
    this.#show({
      state,
      behind: behind === undefined ? undefined : Math.round(behind),
      takenAt: takenAt === undefined ? undefined : Math.floor(takenAt / 1000) * 1000,
      ...(state === 'live' || state === 'playing' ? { lastFatal: '' } : {}),
    });
  }

  #state(now: number): PlaybackState {
    const standing = this.#programme.standing();
    if (standing === 'asking' || standing === 'missing' || standing === 'off') return standing;
    if (this.#video.ended) return 'ended';
    if (this.#pause.paused || this.#refusedToStart()) return 'paused';
    if (this.#movedAt === undefined) return standing === 'ready' ? 'starting' : standing;
    const still = now - this.#movedAt;
    const isLive = this.#programme.kind === 'live';
    if (still < BUFFERING_MS) return isLive ? 'live' : 'playing';
    if (!isLive && this.#atEnd()) return 'waiting';
    return still < STALLED_MS ? 'buffering' : 'stalled';
  }

  /** There is a picture, but this browser wants the viewer to start it. */
  #refusedToStart(): boolean {
    return this.#video.paused && this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
  }

  #atEnd(): boolean {
    const { seekable, currentTime } = this.#video;
    return seekable.length > 0 && seekable.end(seekable.length - 1) - currentTime < AT_END_S;
  }

  #show(change: Partial<PlaybackView>): void {
    const before = this.#view.peek();
    const after = { ...before, ...change };
    const keys = Object.keys(after) as (keyof PlaybackView)[];
    if (keys.some((key) => before[key] !== after[key])) this.#view.value = after;
  }
}
