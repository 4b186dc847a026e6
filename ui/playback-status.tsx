import type { ComponentChildren } from 'preact';
import type { PlaybackView } from './playback.ts';

/** Further behind than this, a way back to the live end is offered. */
const FAR_BEHIND_S = 30;

/** The line under the picture. Only its words are announced, not the seconds that change all the time. */
export function PlaybackStatus({
  view: { state, behind },
  text: { word, reason },
  onPlay,
  onLive,
  children,
}: {
  view: PlaybackView;
  text: { readonly word: string; readonly reason: string };
  onPlay: () => void;
  onLive?: () => void;
  /** What stands at the end of the line. */
  children?: ComponentChildren;
}) {
  const late = state === 'live' ? behind : undefined;
  return (
    <div class={`status status-${state}`}>
      <span class="status-dot" aria-hidden="true" />
      <p>
        <span aria-live="polite" data-status>
          <b>{word}</b>
          {reason !== '' && ` ${reason}`}
        </span>
        {late !== undefined && <span class="behind">{late} s behind live</span>}
      </p>
      {children}
      {state === 'paused' && (
        <button type="button" class="quiet" onClick={onPlay}>
          Play
        </button>
      )}
      {late !== undefined && late > FAR_BEHIND_S && (
        <button type="button" class="quiet" onClick={onLive}>
          Go to live
        </button>
      )}
    </div>
  );
}
