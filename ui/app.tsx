import type { ReadonlySignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { formatAge } from './format.ts';
import { Player } from './player.tsx';
import { SourceList } from './source-list.tsx';
import type { SourcesFeed } from './sources-feed.ts';

/** The frame around both views: the name, whether LiveMix answers, and the view. */
export function App({ feed, route }: { feed: SourcesFeed; route: ReadonlySignal<string | undefined> }) {
  const playing = route.value;
  useEffect(() => {
    document.title = playing === undefined ? 'LiveMix' : `${playing} · LiveMix`;
  }, [playing]);
  return (
    <>
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
      </header>
      <Unreachable feed={feed} />
      <main data-view={playing === undefined ? 'list' : 'player'} data-reach={feed.reach.value.kind}>
        {playing === undefined ? (
          <SourceList feed={feed} />
        ) : (
          <Player key={playing} name={playing} feed={feed} />
        )}
      </main>
    </>
  );
}

function Unreachable({ feed }: { feed: SourcesFeed }) {
  const reach = feed.reach.value;
  if (reach.kind !== 'lost') return <div role="status" class="unreachable-none" />;
  return (
    <div role="status" class="unreachable">
      <p>
        <b>LiveMix does not answer.</b> {reach.why} Trying again…
      </p>
      {reach.since !== undefined && (
        <p class="unreachable-since" aria-live="off">
          What you see was true {formatAge(feed.localNow - reach.since)}.
        </p>
      )}
    </div>
  );
}
