import type { Source } from './api.ts';
import type { PlaybackView } from './playback.ts';
import { playbackText } from './playback-text.ts';

/** Further behind than this, a way back to the live end is offered. */
const FAR_BEHIND_S = 30;

/** The line under the picture. Only its words are announced, not the seconds that change all the time. */
export function PlaybackStatus({
  view,
  name,
  source,
  onLive,
  onPlay,
}: {
  view: PlaybackView | undefined;
  name: string;
  source: Source | undefined;
  onLive: () => void;
  onPlay: () => void;
}) {
  const state = view?.state ?? 'asking';
  const { word, reason } = view ? playbackText(view, name, source) : { word: 'Asking LiveMix…', reason: '' };
  const behind = state === 'live' ? view?.behind : undefined;
  return (
    <div class={`status status-${state}`}>
      <span class="status-dot" aria-hidden="true" />
      <p>
        <span aria-live="polite" data-status>
          <b>{word}</b>
          {reason !== '' && ` ${reason}`}
        </span>
        {behind !== undefined && <span class="behind">{behind} s behind live</span>}
      </p>
      {state === 'paused' && (
        <button type="button" class="quiet" onClick={onPlay}>
          Play
        </button>
      )}
      {behind !== undefined && behind > FAR_BEHIND_S && (
        <button type="button" class="quiet" onClick={onLive}>
          Go to live
        </button>
      )}
    </div>
  );
}
