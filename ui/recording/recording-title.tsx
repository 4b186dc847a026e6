import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Refused } from '../refused.tsx';
import { useAction } from '../use-action.ts';
import type { Recording } from './recording.ts';
import { changeRecording } from './recording-api.ts';

const LONGEST = 200;

/** The title, which can be changed in its place. */
export function RecordingTitle({
  recording,
  name,
  refresh,
}: {
  recording: Recording;
  name: string;
  refresh: () => Promise<void>;
}) {
  const editing = useSignal(false);
  const pencil = useRef<HTMLButtonElement>(null);
  const { busy, refused, run } = useAction();
  const finish = () => {
    editing.value = false;
    requestAnimationFrame(() => pencil.current?.focus());
  };
  const save = (title: string) =>
    run(async () => {
      if (title !== recording.title) await changeRecording(recording.id, { title });
      await refresh();
      finish();
    });
  return (
    <div>
      <div class="title-line">
        {editing.value ? (
          <TitleForm title={recording.title} busy={busy.value} save={save} cancel={finish} />
        ) : (
          <>
            <h1>
              <bdi>{name}</bdi>
            </h1>
            <button
              type="button"
              class="icon-button"
              ref={pencil}
              data-action="rename"
              aria-label="Rename"
              title="Rename"
              onClick={() => {
                editing.value = true;
              }}
            >
              <svg viewBox="0 0 20 20" aria-hidden="true">
                <path d="M4 16l.8-3.6L13.4 3.8l2.8 2.8-8.6 8.6L4 16Z" />
              </svg>
            </button>
          </>
        )}
      </div>
      <Refused why={refused.value} />
    </div>
  );
}

function TitleForm({
  title,
  busy,
  save,
  cancel,
}: {
  title: string;
  busy: boolean;
  save: (title: string) => void;
  cancel: () => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.select(), []);
  return (
    <form
      class="title-form"
      onSubmit={(event) => {
        event.preventDefault();
        save(input.current!.value.trim());
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') cancel();
      }}
    >
      <input
        ref={input}
        name="title"
        maxLength={LONGEST}
        defaultValue={title}
        placeholder="A title"
        autocomplete="off"
        aria-label="Title of the recording"
      />
      <button type="submit" class="quiet" data-action="save-title" aria-busy={busy}>
        Save
      </button>
      <button type="button" class="quiet" onClick={cancel}>
        Cancel
      </button>
    </form>
  );
}
