import { formatCount } from '../format.ts';
import { recordingsHash } from '../route.ts';
import type { SourcesFeed } from '../sources-feed.ts';
import { RecordButton } from './record-button.tsx';
import { RecordingRow } from './recording-row.tsx';
import type { RecordingsFeed } from './recordings-feed.ts';

/** What runs is always shown; of the rest as many as make it this many. */
const SHOWN = 3;

/** Recording a source: the button, what runs, and what was recorded last. */
export function RecordPanel({
  source,
  known,
  feed,
  recordings,
}: {
  source: string;
  /** Whether there is such a source: without it, what was recorded of it is still shown. */
  known: boolean;
  feed: SourcesFeed;
  recordings: RecordingsFeed;
}) {
  const all = recordings.of(source);
  if (recordings.offered.value === false || (!known && all.length === 0)) return null;
  const refresh = () => recordings.refresh();
  const running = all.filter(({ state }) => state === 'recording');
  const others = all.filter(({ state }) => state !== 'recording');
  const shown = [...running, ...others.slice(0, Math.max(0, SHOWN - running.length))];
  return (
    <section class="panel" aria-label="Recordings of this source">
      {known && <RecordButton source={source} refresh={refresh} />}
      <p class="visually-hidden" role="status">
        {running.length > 0 && `${formatCount(running.length, 'recording runs', 'recordings run')}.`}
      </p>
      {shown.length > 0 && (
        <ul class="rows rows-inside">
          {shown.map((recording) => (
            <RecordingRow
              key={recording.id}
              recording={recording}
              feed={feed}
              refresh={refresh}
              withSource={false}
            />
          ))}
        </ul>
      )}
      {all.length > shown.length && (
        <a class="more-link" href={recordingsHash(source)}>
          All {recordings.more.value ? '' : all.length} recordings of this source
        </a>
      )}
    </section>
  );
}
