import { NativeSession } from './native-session.ts';
import type { Programme } from './programme.ts';

/** One life of a player on a video element. */
export interface PlaySession {
  /** Loads nothing more until `resume`. What is shown stays. */
  suspend(): void;
  /** Goes on: live at the live end, a recording where it was. */
  resume(): void;
  /** Seconds between what is shown and the end of the live list, where known. */
  behind(): number | undefined;
  jumpToLive(): void;
  /** When the picture that is shown was taken, in milliseconds since 1970, where known. */
  takenAt(): number | undefined;
  /** Shows what was taken at a moment, or what comes next after it. */
  seekTo(takenAt: number): void;
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
  programme: Programme,
  notes: PlayNotes,
): Promise<PlaySession> {
  const { Hls, HlsSession } = await import('./hls-session.ts');
  if (Hls.isSupported()) return new HlsSession(video, programme, notes);
  return new NativeSession(video, programme, notes);
}
