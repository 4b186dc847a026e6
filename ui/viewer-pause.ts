/**
 * Whether the viewer has paused the video. Not `video.paused`: that is also true while a player takes its media
 * off and puts it on again, of which there is no `pause` event.
 */
export class ViewerPause {
  readonly #listening = new AbortController();
  #paused = false;

  constructor(video: HTMLVideoElement, changed: () => void) {
    const set = (value: boolean) => () => {
      this.#paused = value;
      changed();
    };
    const { signal } = this.#listening;
    video.addEventListener('pause', set(true), { signal });
    video.addEventListener('play', set(false), { signal });
  }

  get paused(): boolean {
    return this.#paused;
  }

  close(): void {
    this.#listening.abort();
  }
}
