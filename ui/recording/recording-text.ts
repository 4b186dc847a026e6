import { formatCount } from '../format.ts';
import { formatClock, formatWhen } from '../format-time.ts';
import type { PlaybackView } from '../playback.ts';
import { startReason, WORDS } from '../playback-text.ts';
import { isLoss, isOpen, type Recording } from './recording.ts';

/** What a recording is called: its title, or its source and when it was taken. */
export const nameOf = ({ title, source, from }: Recording, now: number): string =>
  title !== '' ? title : `${source}, ${formatWhen(from, now)}`;

/** `2 gaps`, with what is harmless told apart; empty where there is none. */
export function gapsText({ gaps }: Recording): string {
  const lost = gaps.filter(isLoss).length;
  const silent = gaps.length - lost;
  return [
    lost > 0 ? formatCount(lost, 'gap', 'gaps') : '',
    silent > 0 ? formatCount(silent, 'silence', 'silences') : '',
  ]
    .filter(Boolean)
    .join(', ');
}

/** What its state means for who looks at it. */
export function stateText({ state, until }: Recording): string {
  switch (state) {
    case 'recording':
      return until === undefined ? 'Records until it is stopped.' : `Records until ${formatClock(until)}.`;
    case 'draining':
      return 'Still arriving from the edge. What is here can be watched already.';
    case 'complete':
      return 'All that the encoder made is here.';
    case 'incomplete':
      return 'Part of it is lost for ever: see the gaps.';
  }
}

/** What the status line under the picture says. */
export function replayText(view: PlaybackView, recording: Recording) {
  return { word: WORDS[view.state], reason: reasonOf(view, recording) };
}

function reasonOf({ state, lastFatal }: PlaybackView, recording: Recording): string {
  switch (state) {
    case 'empty':
      return isOpen(recording)
        ? 'No video has arrived yet. It starts by itself.'
        : 'Nothing of this recording was kept.';
    case 'waiting':
      return 'This is all that has arrived so far. It goes on by itself.';
    case 'starting':
      return lastFatal === '' ? '' : `${startReason(lastFatal)} Trying again.`;
    case 'stalled':
      return `${lastFatal === '' ? 'The video does not come.' : startReason(lastFatal)} It goes on by itself.`;
    default:
      return '';
  }
}
