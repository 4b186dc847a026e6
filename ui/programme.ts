import { playlistUrl } from './api.ts';
import type { SourcesFeed } from './sources-feed.ts';

/** What a player plays, and whether it makes sense to ask for it. */
export type Programme = {
  readonly kind: 'live' | 'recording';
  readonly url: string;
  /** Read anew whenever one of the signals it reads has a new value. */
  readonly standing: () => Standing;
};

export type Standing =
  | 'asking' // what the server knows of it is not known yet
  | 'missing' // the server knows nothing of that name
  | 'off'
  | 'offline' // there will be no new video now; what is loaded may play on
  | 'empty' // a recording without any video yet
  | 'ready';

export function liveProgramme(name: string, feed: SourcesFeed): Programme {
  const standing = (): Standing => {
    if (feed.sources.value === undefined) return 'asking';
    const source = feed.find(name);
    if (source === undefined) return 'missing';
    if (source.mode === 'off') return 'off';
    return source.state === 'offline' ? 'offline' : 'ready';
  };
  return { kind: 'live', url: playlistUrl(name), standing };
}
