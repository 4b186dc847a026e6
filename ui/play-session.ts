import { NativeSession } from './native-session.ts';

/** One life of a player on a video element. */
export interface PlaySession {
  /** Loads nothing more until `resume`. What is shown stays. */
  suspend(): void;
  /** Goes on, at the live end. */
  resume(): void;
  /** Seconds between what is shown and the end of the live list, where known. */
  behind(): number | undefined;
  jumpToLive(): void;
  /** Lets go of the video element. */
  close(): void;
}

/** What a session tells its player, and asks of it. */
export type PlayNotes = {
  /** An error that the player mends by itself. */
  readonly error: () => void;
  /** An error after which the session had to start again. */
  readonly fatal: (what: string) => void;
  /** Whether asking for the playlist makes sense now; a session that starts again waits until it does. */
  readonly mayLoad: () => boolean;
  /** Whether the viewer wants it to play: not where they have paused it. */
  readonly wantsPlay: () => boolean;
};

/** Media Source Extensions first: some browsers claim to play HLS themselves and are poor at it. */
export async function openSession(
  video: HTMLVideoElement,
  url: string,
  notes: PlayNotes,
): Promise<PlaySession> {
  const { Hls, HlsSession } = await import('./hls-session.ts');
  if (Hls.isSupported()) return new HlsSession(video, url, notes);
  return new NativeSession(video, url, notes);
}
