import type { RecordingsFeed } from './recording/recordings-feed.ts';
import { type Route, recordingsHash } from './route.ts';

/** The name, and the way between sources and recordings where there are recordings. */
export function TopBar({ route, recordings }: { route: Route; recordings: RecordingsFeed }) {
  const atRecordings = route.view === 'recordings' || route.view === 'recording';
  const running = recordings.recordings.value?.some(({ state }) => state === 'recording') ?? false;
  return (
    <header class="top">
      <a href="#/" class="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="8" class="brand-box" />
          <rect x="6.5" y="9" width="3" height="14" rx="1.5" class="brand-bar" />
          <path
            class="brand-play"
            d="M13 10.2v11.6a1 1 0 0 0 1.5.87l9.6-5.8a1 1 0 0 0 0-1.73l-9.6-5.8a1 1 0 0 0-1.5.86Z"
          />
        </svg>
        LiveMix
      </a>
      {(atRecordings || recordings.offered.value === true) && (
        <nav class="tabs" aria-label="Views">
          <a href="#/" aria-current={atRecordings ? undefined : 'page'}>
            Sources
          </a>
          <a href={recordingsHash()} aria-current={atRecordings ? 'page' : undefined}>
            Recordings
            {running && <span class="record-mark" role="img" aria-label="one is running" />}
          </a>
        </nav>
      )}
    </header>
  );
}
