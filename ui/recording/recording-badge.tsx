import { Badge } from '../badge.tsx';
import type { Recording, RecordingState } from './recording.ts';

const STATES = {
  recording: ['disc', 'Recording', 'It goes on.'],
  draining: ['arriving', 'Arriving', 'It is over; the rest is still arriving from the edge.'],
  complete: ['tick', 'Complete', 'All that the encoder made is here.'],
  incomplete: ['broken', 'Incomplete', 'Part of it is lost for ever.'],
} as const satisfies Record<RecordingState, unknown>;

/** The state of a recording. */
export function RecordingBadge({ recording: { state } }: { recording: Recording }) {
  const [shape, word, meaning] = STATES[state];
  return <Badge look={state} shape={shape} word={word} meaning={meaning} />;
}
