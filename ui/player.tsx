import { BackLink } from './back-link.tsx';
import { ModeSwitch } from './mode-switch.tsx';
import { PlaybackStatus } from './playback-status.tsx';
import { playbackText } from './playback-text.ts';
import { PlaylistAddress } from './playlist-address.tsx';
import { liveProgramme } from './programme.ts';
import { RecordPanel } from './recording/record-panel.tsx';
import type { RecordingsFeed } from './recording/recordings-feed.ts';
import { Savings } from './savings.tsx';
import { Screen } from './screen.tsx';
import { SourceFacts } from './source-facts.tsx';
import type { SourcesFeed } from './sources-feed.ts';
import { StateBadge } from './state-badge.tsx';
import { TroubleNote } from './trouble-note.tsx';
import { usePlayback } from './use-playback.ts';

/** One source, playing. */
export function Player({
  name,
  feed,
  recordings,
}: {
  name: string;
  feed: SourcesFeed;
  recordings: RecordingsFeed;
}) {
  const programme = liveProgramme(name, feed);
  const { video, view, play, jumpToLive } = usePlayback(programme);
  const source = feed.find(name);
  const reach = feed.reach.value.kind;
  // What stands below the picture comes all at once, so that nothing of it is pushed down.
  const settled = reach === 'lost' || (reach === 'ok' && recordings.settled);
  return (
    <article class="player">
      <BackLink href="#/" to="All sources" />
      <div class="player-head">
        <h1>
          <bdi>{name}</bdi>
        </h1>
        {source && <StateBadge source={source} />}
      </div>
      <Screen video={video} view={view} label={`Video of ${name}`} source={name} />
      <PlaybackStatus view={view} text={playbackText(view, name, source)} onPlay={play} onLive={jumpToLive} />
      {source?.trouble && (
        <TroubleNote trouble={source.trouble} said={view.state === 'offline' || view.state === 'stalled'} />
      )}
      {settled && (
        <>
          <RecordPanel source={name} known={source !== undefined} feed={feed} recordings={recordings} />
          {source && (
            <section class="panel" aria-label="About this source">
              <SourceFacts source={source} feed={feed} />
              <Savings source={source} />
              <ModeSwitch source={source} feed={feed} />
            </section>
          )}
          <PlaylistAddress url={programme.url} title={name} />
        </>
      )}
    </article>
  );
}
