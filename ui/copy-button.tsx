import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

/** Copies a text. Where the clipboard is out of reach (plain http), the text beside it can be marked and copied by hand. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const said = useSignal('');
  useEffect(() => {
    if (said.value === '') return;
    const timer = setTimeout(() => {
      said.value = '';
    }, 2500);
    return () => clearTimeout(timer);
  }, [said.value]);
  if (!navigator.clipboard) return null;
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => {
        said.value = 'Copied';
      },
      () => {
        said.value = 'Not allowed';
      },
    );
  return (
    <button type="button" class="copy" onClick={copy} aria-label={`Copy ${what}`}>
      <span aria-live="polite">{said.value || 'Copy'}</span>
    </button>
  );
}
