import { formatBytes } from '../format.ts';
import { formatClock, formatElapsed } from '../format-time.ts';
import { type Recording, reachOf } from './recording.ts';

/** The figures of a recording. They move while it runs, so none of them is announced. */
export function RecordingFacts({ recording, now }: { recording: Recording; now: number }) {
  const { from, until, state, settledUntil, durationSeconds, bytes, segments } = recording;
  const facts = [
    ['from', 'From', formatClock(from)],
    ['until', 'Until', until === undefined || state === 'recording' ? 'it goes on' : formatClock(until)],
    ['length', state === 'recording' ? 'So far' : 'Asked for', formatElapsed(reachOf(recording, now) - from)],
    ['duration', 'Video kept', formatElapsed(durationSeconds * 1000)],
    ['bytes', 'Size', formatBytes(bytes)],
    ['segments', 'Segments', String(segments)],
    ...(state === 'draining' ? [['settled', 'Arrived until', formatClock(settledUntil)] as const] : []),
  ] as const;
  return (
    <dl class="fact-grid">
      {facts.map(([key, word, value]) => (
        <div key={key}>
          <dt>{word}</dt>
          <dd data-fact={key}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
