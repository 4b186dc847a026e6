import { Refused } from '../refused.tsx';
import { useAction } from '../use-action.ts';
import type { Recording } from './recording.ts';
import { stopRecording } from './recording-api.ts';

/** Ends a recording now. What was recorded goes on arriving. */
export function StopButton({
  recording: { id },
  name,
  refresh,
}: {
  recording: Recording;
  name: string;
  refresh: () => Promise<void>;
}) {
  const { busy, refused, run } = useAction();
  const stop = () =>
    run(async () => {
      await stopRecording(id);
      await refresh();
    });
  return (
    <div class="stop">
      <button
        type="button"
        class="quiet"
        data-action="stop-recording"
        aria-label={`Stop recording ${name}`}
        aria-busy={busy.value}
        onClick={stop}
      >
        <span class="stop-mark" aria-hidden="true" />
        Stop
      </button>
      <Refused why={refused.value} />
    </div>
  );
}
