import type { Source } from './api.ts';
import { Badge } from './badge.tsx';

const STATES = {
  live: ['disc', 'Live', 'The encoder sends and its video is being forwarded.'],
  idle: ['ring', 'Idle', 'The encoder sends; nothing is forwarded until somebody watches.'],
  offline: ['cross', 'Offline', 'The edge is not connected, or the encoder is silent.'],
  off: ['bar', 'Off', 'Switched off: nothing is forwarded.'],
} as const;

/** The state of a source. */
export function StateBadge({ source }: { source: Source }) {
  const state = shownState(source);
  const [shape, word, meaning] = STATES[state];
  return <Badge look={state} shape={shape} word={word} meaning={meaning} />;
}

/** A source that is switched off is shown as that, unless it is not there at all. */
export const shownState = ({ state, mode }: Source): keyof typeof STATES =>
  mode === 'off' && state !== 'offline' ? 'off' : state;
