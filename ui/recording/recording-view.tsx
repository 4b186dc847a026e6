import { useEffect, useMemo } from 'preact/hooks';
import { BackLink } from '../back-link.tsx';
import { formatClock, formatWhen } from '../format-time.ts';
import { PlaybackStatus } from '../playback-status.tsx';
import { PlaylistAddress } from '../playlist-address.tsx';
import type { Programme } from '../programme.ts';
import { hashOf, recordingsHash } from '../route.ts';
import { hasPicture, Screen } from '../screen.tsx';
import type { SourcesFeed } from '../sources-feed.ts';
import { usePlayback } from '../use-playback.ts';
import { Downloads } from './downloads.tsx';
import { GapList } from './gap-list.tsx';
import { type Recording, replayUrl } from './recording.ts';
import { RecordingBadge } from './recording-badge.tsx';
import { RecordingControls } from './recording-controls.tsx';
import { RecordingFacts } from './recording-facts.tsx';
import { RecordingFeed } from './recording-feed.ts';
import { nameOf, replayText, stateText } from './recording-text.ts';
import { RecordingTitle } from './recording-title.tsx';
import { Timeline } from './timeline.tsx';

/** One recording, or a note that there is none of that id. */
export function RecordingView({ id, feed }: { id: string; feed: SourcesFeed }) {
  const one = useMemo(() => new RecordingFeed(id), [id]);
  useEffect(() => {
    one.start();
    return () => one.close();
  }, [one]);
  if (one.missing.value) return <NoRecording />;
  const recording = one.recording.value;
  if (recording !== undefined) return <Replay recording={recording} one={one} feed={feed} />;
  const trouble = one.trouble.value;
  return <p class="asking">{trouble === '' ? 'Looking for the recording…' : `${trouble} Trying again…`}</p>;
}

function Replay({ recording, one, feed }: { recording: Recording; one: RecordingFeed; feed: SourcesFeed }) {
  const { source, title, state, from, gaps } = recording;
  const programme = replayOf(recording.id, one);
  const { video, view, play, seekTo } = usePlayback(programme);
  // Only what runs is drawn anew every second.
  const now = state === 'recording' ? feed.serverNow : Date.now();
  const name = nameOf(recording, now);
  useEffect(() => {
    document.title = `${name} · LiveMix`;
  }, [name]);
  const refresh = () => one.refresh();
  const seek = hasPicture(view.state) ? seekTo : undefined;
  return (
    <article class="player">
      <BackLink href={recordingsHash()} to="All recordings" />
      <RecordingTitle recording={recording} name={name} refresh={refresh} />
      <div class="under-title">
        <p class="facts">
          <span>
            <a href={hashOf(source)}>
              <bdi>{source}</bdi>
            </a>
          </span>
          {title !== '' && <span>{formatWhen(from, now)}</span>}
        </p>
        <RecordingBadge recording={recording} />
      </div>
      <Screen video={video} view={view} label={`Video of ${name}`} source={source} />
      <PlaybackStatus view={view} text={replayText(view, recording)} onPlay={play}>
        {view.takenAt !== undefined && (
          <time class="taken-at" title="When this picture was taken">
            {formatClock(view.takenAt)}
          </time>
        )}
      </PlaybackStatus>
      <Timeline recording={recording} now={now} takenAt={view.takenAt} seekTo={seek} />
      <section class="panel" aria-label="About this recording">
        <p class={`state-note state-note-${state}`} role="status">
          {stateText(recording)}
        </p>
        <RecordingFacts recording={recording} now={now} />
        <RecordingControls recording={recording} name={name} refresh={refresh} />
      </section>
      <GapList gaps={gaps} seekTo={seek} />
      <Downloads recording={recording} />
      <PlaylistAddress url={programme.url} title={name} />
    </article>
  );
}

function NoRecording() {
  return (
    <div class="empty">
      <h1>No such recording</h1>
      <p>It may have been deleted, or its address was cut short.</p>
      <a class="more-link" href={recordingsHash()}>
        All recordings
      </a>
    </div>
  );
}

/** A recording plays once it has a segment, whatever state it is in. */
const replayOf = (id: string, one: RecordingFeed): Programme => ({
  kind: 'recording',
  url: replayUrl(id),
  standing: () => ((one.recording.value?.segments ?? 0) > 0 ? 'ready' : 'empty'),
});
