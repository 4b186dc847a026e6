import type { Source } from './api.ts';
import { FirstStream, PushHowTo } from './first-stream.tsx';
import { formatBytes, formatCount } from './format.ts';
import type { RecordingsFeed } from './recording/recordings-feed.ts';
import { SourceCard } from './source-card.tsx';
import type { SourcesFeed } from './sources-feed.ts';
import { shownState } from './state-badge.tsx';

/** All sources, or how to get a first one. */
export function SourceList({ feed, recordings }: { feed: SourcesFeed; recordings: RecordingsFeed }) {
  const sources = feed.sources.value;
  if (sources === undefined) {
    return feed.reach.value.kind === 'asking' ? <p class="asking">Looking for sources…</p> : null;
  }
  if (sources.length === 0) return <FirstStream />;
  return (
    <>
      <div class="list-head">
        <h1>{formatCount(sources.length, 'source', 'sources')}</h1>
        <p class="list-summary">{summary(sources)}</p>
      </div>
      <ul class="cards">
        {sources.map((source) => (
          <SourceCard
            key={source.name}
            source={source}
            feed={feed}
            isRecording={recordings.isRecording(source.name)}
          />
        ))}
      </ul>
      <details class="more">
        <summary>Add another source</summary>
        <PushHowTo source={freeName(sources)} />
      </details>
    </>
  );
}

/** `2 live, 1 idle · 4.8 GB never crossed the uplink` */
function summary(sources: readonly Source[]): string {
  const states = (['live', 'idle', 'off', 'offline'] as const)
    .map((state) => [sources.filter((source) => shownState(source) === state).length, state] as const)
    .filter(([number]) => number > 0)
    .map(([number, state]) => `${number} ${state}`)
    .join(', ');
  const saved = sources.reduce(
    (sum, { ingestedBytes: taken, forwardedBytes: sent }) =>
      taken === undefined || sent === undefined ? sum : sum + Math.max(0, taken - sent),
    0,
  );
  return saved > 0 ? `${states} · ${formatBytes(saved)} never crossed the uplink` : states;
}

function freeName(sources: readonly Source[]): string {
  const taken = new Set(sources.map((source) => source.name));
  let number = 0;
  while (taken.has(`camera-${number}`)) number += 1;
  return `camera-${number}`;
}
