import type { Source } from './api.ts';
import { formatAge, formatCount } from './format.ts';
import type { SourcesFeed } from './sources-feed.ts';

/** One quiet line: where it comes from, who watches, how fresh it is. */
export function SourceFacts({
  source,
  feed,
  isRecording = false,
}: {
  source: Source;
  feed: SourcesFeed;
  isRecording?: boolean;
}) {
  return (
    <p class="facts">
      {source.edge !== '' && (
        <span title="Edge">
          <bdi>{source.edge}</bdi>
        </span>
      )}
      {source.viewers !== undefined && <span>{formatCount(source.viewers, 'viewer', 'viewers')}</span>}
      <span title="Last segment">
        {source.lastSegmentAt === undefined
          ? 'no segment yet'
          : `segment ${formatAge(feed.serverNow - source.lastSegmentAt)}`}
      </span>
      {isRecording && (
        <span class="is-recording">
          <span class="record-mark" aria-hidden="true" />
          recording
        </span>
      )}
    </p>
  );
}
