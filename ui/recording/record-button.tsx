import { useSignal } from '@preact/signals';
import { Refused } from '../refused.tsx';
import { useAction } from '../use-action.ts';
import { startRecording } from './recording-api.ts';

/** How far back a recording may begin: the edge keeps the last minutes of every source. */
const PRE_ROLLS = [
  ['', 'from now'],
  ['-30s', 'from 30 s ago'],
  ['-2m', 'from 2 min ago'],
  ['-10m', 'from 10 min ago'],
] as const;

/** One tap records, from now or from a little earlier. */
export function RecordButton({ source, refresh }: { source: string; refresh: () => Promise<void> }) {
  const preRoll = useSignal('');
  const { busy, refused, run } = useAction();
  const start = () =>
    run(async () => {
      await startRecording(source, preRoll.value);
      preRoll.value = '';
      await refresh();
    });
  return (
    <div>
      <div class="record-bar">
        <button
          type="button"
          class="record-button"
          data-action="record"
          aria-busy={busy.value}
          aria-label={`Record ${source}`}
          onClick={start}
        >
          <span class="record-mark" aria-hidden="true" />
          Record
        </button>
        <select
          class="choice"
          data-preroll
          aria-label="Where the recording begins"
          value={preRoll.value}
          onChange={(event) => {
            preRoll.value = event.currentTarget.value;
          }}
        >
          {PRE_ROLLS.map(([from, words]) => (
            <option key={from} value={from}>
              {words}
            </option>
          ))}
        </select>
      </div>
      <Refused why={refused.value} />
    </div>
  );
}
