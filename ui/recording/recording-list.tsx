import { useSignal } from '@preact/signals';
import { formatBytes, formatCount } from '../format.ts';
import { recordingsHash } from '../route.ts';
import type { SourcesFeed } from '../sources-feed.ts';
import type { Recording } from './recording.ts';
import { RecordingRow } from './recording-row.tsx';
import type { RecordingsFeed } from './recordings-feed.ts';

const PAGE = 50;

/** The newest recordings, of all sources or of one, and older ones on demand. */
export function RecordingList({
  source,
  feed,
  recordings,
}: {
  /** Empty: of all sources. */
  source: string;
  feed: SourcesFeed;
  recordings: RecordingsFeed;
}) {
  const shown = useSignal(PAGE);
  const all = recordings.recordings.value;
  if (recordings.offered.value === false) return <NotHere />;
  if (all === undefined) {
    const { value: trouble } = recordings.trouble;
    return <p class="asking">{trouble === '' ? 'Looking for recordings…' : `${trouble} Trying again…`}</p>;
  }
  const names = [...new Set([...all.map((recording) => recording.source), source])].filter(Boolean).sort();
  const chosen = source === '' ? all : recordings.of(source);
  const more = recordings.more.value;
  const showMore = () => {
    shown.value += PAGE;
    recordings.want(shown.value + PAGE);
  };
  return (
    <>
      <div class="list-head list-head-wide">
        <div>
          <h1>
            {chosen.length === 0
              ? 'No recordings yet'
              : `${more ? 'The newest ' : ''}${formatCount(chosen.length, 'recording', 'recordings')}`}
          </h1>
          {chosen.length > 0 && <p class="list-summary">{summary(chosen)}</p>}
        </div>
        {(names.length > 1 || source !== '') && <SourceFilter names={names} source={source} />}
      </div>
      {recordings.trouble.value !== '' && <p class="refused">{recordings.trouble.value} Trying again…</p>}
      {chosen.length === 0 ? (
        <p class="empty">Open a source and press Record: what it shows, also minutes ago, is kept here.</p>
      ) : (
        <ul class="rows">
          {chosen.slice(0, shown.value).map((recording) => (
            <RecordingRow
              key={recording.id}
              recording={recording}
              feed={feed}
              refresh={() => recordings.refresh()}
              withSource={source === ''}
            />
          ))}
        </ul>
      )}
      {(chosen.length > shown.value || more) && (
        <button type="button" class="quiet more-button" onClick={showMore}>
          Show more
        </button>
      )}
    </>
  );
}

function SourceFilter({ names, source }: { names: readonly string[]; source: string }) {
  return (
    <select
      class="choice"
      data-filter
      aria-label="Recordings of which source"
      value={source}
      onChange={(event) => {
        location.hash = recordingsHash(event.currentTarget.value);
      }}
    >
      <option value="">All sources</option>
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

function NotHere() {
  return (
    <div class="empty">
      <h1>No recordings here</h1>
      <p>This is an edge's own page. Recordings are kept on the control node.</p>
    </div>
  );
}

/** `1 recording, 2 arriving, 1 incomplete · 4.8 GB` */
function summary(recordings: readonly Recording[]): string {
  const states = [
    ['recording', 'running'],
    ['draining', 'arriving'],
    ['incomplete', 'incomplete'],
  ] as const;
  const counts = states
    .map(([state, word]) => [recordings.filter((each) => each.state === state).length, word] as const)
    .filter(([number]) => number > 0)
    .map(([number, word]) => `${number} ${word}`)
    .join(', ');
  const bytes = formatBytes(recordings.reduce((sum, each) => sum + each.bytes, 0));
  return counts === '' ? bytes : `${counts} · ${bytes}`;
}
