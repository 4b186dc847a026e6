import type { Source } from './api.ts';

const WORDS = {
  live: ['Live', 'The encoder sends and its video is being forwarded.'],
  idle: ['Idle', 'The encoder sends; nothing is forwarded until somebody watches.'],
  offline: ['Offline', 'The edge is not connected, or the encoder is silent.'],
  off: ['Off', 'Switched off: nothing is forwarded.'],
} as const;

/** The state as a word, a shape and a colour: a disc is live, a ring idle, a cross offline, a bar off. */
export function StateBadge({ source }: { source: Source }) {
  const state = shownState(source);
  const [word, meaning] = WORDS[state];
  return (
    <span class={`badge badge-${state}`} title={meaning}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        {state === 'live' && <circle cx="6" cy="6" r="5" class="fill" />}
        {state === 'idle' && <circle cx="6" cy="6" r="4" class="line" />}
        {state === 'offline' && <path d="M2.5 2.5l7 7m0-7l-7 7" class="line" />}
        {state === 'off' && <path d="M2 6h8" class="line" />}
      </svg>
      {word}
    </span>
  );
}

/** A source that is switched off is shown as that, unless it is not there at all. */
export const shownState = ({ state, mode }: Source): keyof typeof WORDS =>
  mode === 'off' && state !== 'offline' ? 'off' : state;
