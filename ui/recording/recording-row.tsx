import { formatBytes } from '../format.ts';
import { formatElapsed, formatLength, formatWhen } from '../format-time.ts';
import { recordingHash } from '../route.ts';
import type { SourcesFeed } from '../sources-feed.ts';
import { isLoss, type Recording, reachOf } from './recording.ts';
import { RecordingBadge } from './recording-badge.tsx';
import { gapsText, nameOf } from './recording-text.ts';
import { StopButton } from './stop-button.tsx';

/** One recording in a list; all of it is a link to its view. `withSource`: where several sources are listed. */
export function RecordingRow({
  recording,
  feed,
  refresh,
  withSource,
}: {
  recording: Recording;
  feed: SourcesFeed;
  refresh: () => Promise<void>;
  withSource: boolean;
}) {
  const { id, state, title, source, from, durationSeconds, bytes } = recording;
  const isRunning = state === 'recording';
  // Only what runs is drawn anew every second.
  const now = isRunning ? feed.serverNow : Date.now();
  const when = formatWhen(from, now);
  const gaps = gapsText(recording);
  return (
    <li class={`row row-${state}`} data-recording={id} data-state={state}>
      <div class="row-main">
        <a href={recordingHash(id)} class="row-title">
          <bdi>{title || (withSource ? source : when)}</bdi>
        </a>
        <p class="facts">
          {withSource && title !== '' && (
            <span>
              <bdi>{source}</bdi>
            </span>
          )}
          {(withSource || title !== '') && <span>{when}</span>}
          <span>
            {isRunning ? formatElapsed(reachOf(recording, now) - from) : formatLength(durationSeconds)}
          </span>
          <span>{formatBytes(bytes)}</span>
          {state === 'draining' && <span>still arriving from the edge</span>}
          {gaps !== '' && <span class={recording.gaps.some(isLoss) ? 'lost' : ''}>{gaps}</span>}
        </p>
      </div>
      <RecordingBadge recording={recording} />
      {isRunning && <StopButton recording={recording} name={nameOf(recording, now)} refresh={refresh} />}
    </li>
  );
}
