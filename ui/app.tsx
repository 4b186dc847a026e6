import type { ReadonlySignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { formatAge } from './format.ts';
import { Player } from './player.tsx';
import { RecordingList } from './recording/recording-list.tsx';
import { RecordingView } from './recording/recording-view.tsx';
import type { RecordingsFeed } from './recording/recordings-feed.ts';
import type { Route } from './route.ts';
import { SourceList } from './source-list.tsx';
import type { SourcesFeed } from './sources-feed.ts';
import { TopBar } from './top-bar.tsx';

type Feeds = { readonly feed: SourcesFeed; readonly recordings: RecordingsFeed };

/** The frame around all views: the name, whether LiveMix answers, and the view. */
export function App({ feed, recordings, route }: Feeds & { route: ReadonlySignal<Route> }) {
  const shown = route.value;
  const title = titleOf(shown);
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <>
      <TopBar route={shown} recordings={recordings} />
      <Unreachable feed={feed} />
      <main data-view={shown.view} data-reach={feed.reach.value.kind}>
        <View route={shown} feed={feed} recordings={recordings} />
      </main>
    </>
  );
}

function View({ route, feed, recordings }: Feeds & { route: Route }) {
  switch (route.view) {
    case 'list':
      return <SourceList feed={feed} recordings={recordings} />;
    case 'player':
      return <Player key={route.name} name={route.name} feed={feed} recordings={recordings} />;
    case 'recordings':
      return <RecordingList key={route.source} source={route.source} feed={feed} recordings={recordings} />;
    case 'recording':
      return <RecordingView key={route.id} id={route.id} feed={feed} />;
  }
}

function titleOf(route: Route): string {
  if (route.view === 'player') return `${route.name} · LiveMix`;
  return route.view === 'recordings' || route.view === 'recording' ? 'Recordings · LiveMix' : 'LiveMix';
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
