import type { Source } from './api.ts';
import type { PlaybackState, PlaybackView } from './playback.ts';

/** What the status line says: a word, and the reason where there is one. */
export function playbackText(
  view: PlaybackView,
  name: string,
  source: Source | undefined,
): { readonly word: string; readonly reason: string } {
  return { word: WORDS[view.state], reason: reasonOf(view, name, source) };
}

export const WORDS: Record<PlaybackState, string> = {
  asking: 'Asking LiveMix…',
  missing: 'Not here',
  off: 'Off',
  offline: 'Offline',
  empty: 'Nothing to play',
  starting: 'Starting…',
  live: 'Live',
  playing: 'Playing',
  buffering: 'Buffering…',
  waiting: 'Waiting',
  stalled: 'Stalled',
  paused: 'Paused',
  ended: 'At its end',
};

function reasonOf(view: PlaybackView, name: string, source: Source | undefined): string {
  switch (view.state) {
    case 'missing':
      return `There is no source called “${name}”. It starts here when it appears.`;
    case 'off':
      return 'Nothing is forwarded. Choose “On demand” to watch.';
    case 'offline':
      return `${source?.trouble?.detail || 'Its edge or its encoder is silent.'} It starts by itself when it is back.`;
    case 'stalled':
      return `${stallReason(view, source)} It goes on by itself.`;
    case 'starting':
      return view.lastFatal === '' ? '' : `${startReason(view.lastFatal)} Trying again.`;
    default:
      return '';
  }
}

function stallReason(view: PlaybackView, source: Source | undefined): string {
  if (source?.trouble?.detail) return source.trouble.detail;
  if (source?.state === 'offline') return 'Its edge or its encoder is silent.';
  return view.lastFatal === '' ? 'No new video arrives.' : startReason(view.lastFatal);
}

/** Why it does not start. The names are those of hls.js's `ErrorDetails`. */
export function startReason(details: string): string {
  if (/codec/i.test(details)) return 'This browser cannot play the codec of this video.';
  if (/^(manifest|level)/.test(details)) return 'The playlist does not come.';
  if (/^(frag|key)/.test(details)) return 'The video does not come.';
  return 'The video could not be played.';
}
