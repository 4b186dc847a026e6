import { Refused } from '../refused.tsx';
import { recordingsHash } from '../route.ts';
import { useAction } from '../use-action.ts';
import { DeleteButton } from './delete-button.tsx';
import type { Recording } from './recording.ts';
import { changeRecording, deleteRecording } from './recording-api.ts';
import { StopButton } from './stop-button.tsx';

type Parts = { readonly recording: Recording; readonly name: string; readonly refresh: () => Promise<void> };

/** What can be done with a recording. */
export function RecordingControls({ recording, name, refresh }: Parts) {
  const { busy, refused, run } = useAction();
  const { id, state, keep } = recording;
  const setKeep = () =>
    run(async () => {
      await changeRecording(id, { keep: !keep });
      await refresh();
    });
  const remove = () =>
    run(async () => {
      await deleteRecording(id);
      location.hash = recordingsHash();
    });
  return (
    <div>
      <div class="controls">
        {state === 'recording' && <StopButton recording={recording} name={name} refresh={refresh} />}
        <button
          type="button"
          role="switch"
          class="switch"
          data-action="keep"
          aria-checked={keep}
          aria-busy={busy.value}
          title="Neither its age nor a full store removes it"
          onClick={setKeep}
        >
          <span class="switch-track" aria-hidden="true" />
          Keep for ever
        </button>
        <DeleteButton remove={remove} busy={busy.value} />
      </div>
      <Refused why={refused.value} />
    </div>
  );
}
