import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

/** Deletes on a second tap, in another place than the first. */
export function DeleteButton({ remove, busy }: { remove: () => void; busy: boolean }) {
  const asked = useSignal(false);
  const button = useRef<HTMLButtonElement>(null);
  const wasAsked = useRef(false);
  // The button that had the focus is gone: the harmless one that came for it takes it.
  useEffect(() => {
    if (asked.value !== wasAsked.current) button.current?.focus();
    wasAsked.current = asked.value;
  }, [asked.value]);
  const ask = (value: boolean) => () => {
    asked.value = value;
  };
  if (!asked.value) {
    return (
      <button type="button" ref={button} class="quiet danger delete" data-action="delete" onClick={ask(true)}>
        Delete
      </button>
    );
  }
  return (
    <fieldset
      class="delete confirm"
      onKeyDown={(event) => {
        if (event.key === 'Escape') asked.value = false;
      }}
    >
      <legend class="visually-hidden">Delete this recording for ever?</legend>
      <button
        type="button"
        class="quiet danger-strong"
        data-action="confirm-delete"
        aria-busy={busy}
        onClick={remove}
      >
        Delete for ever
      </button>
      <button type="button" ref={button} class="quiet" onClick={ask(false)}>
        Cancel
      </button>
    </fieldset>
  );
}
