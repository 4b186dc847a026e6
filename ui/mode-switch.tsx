import { useSignal } from '@preact/signals';
import { ApiRefused, MODES, type Mode, type Source, setMode } from './api.ts';
import type { SourcesFeed } from './sources-feed.ts';

const LABELS: Record<Mode, { word: string; meaning: string }> = {
  'on-demand': { word: 'On demand', meaning: 'Forward only while somebody watches' },
  always: { word: 'Always', meaning: 'Forward all the time' },
  off: { word: 'Off', meaning: 'Forward nothing' },
};

/** The operator's command of forwarding. What the server says wins: a refused change shows why and stays as it was. */
export function ModeSwitch({ source, feed }: { source: Source; feed: SourcesFeed }) {
  const asked = useSignal<Mode | undefined>(undefined);
  const refused = useSignal('');
  if (source.mode === undefined) return null;

  const choose = async (mode: Mode) => {
    if (mode === source.mode || asked.value !== undefined) return;
    asked.value = mode;
    refused.value = '';
    try {
      await setMode(source.name, mode);
      await feed.refresh();
    } catch (error) {
      refused.value = why(error, source.name, mode);
    } finally {
      asked.value = undefined;
    }
  };

  return (
    <div class="mode">
      <fieldset class="mode-switch" aria-busy={asked.value !== undefined}>
        <legend>Forward</legend>
        <div class="segments">
          {MODES.map((mode) => (
            <button
              type="button"
              key={mode}
              title={LABELS[mode].meaning}
              aria-pressed={mode === (asked.value ?? source.mode)}
              onClick={() => choose(mode)}
            >
              {LABELS[mode].word}
            </button>
          ))}
        </div>
      </fieldset>
      <p class="refused" role="status">
        {refused.value}
      </p>
    </div>
  );
}

function why(error: unknown, name: string, mode: Mode): string {
  if (!(error instanceof ApiRefused)) return 'LiveMix did not answer. Nothing was changed.';
  if (error.status === 401 || error.status === 403) {
    return `This needs the admin token: use \`livemix sources mode ${name} ${mode}\`.`;
  }
  return [error.detail, error.hint].filter(Boolean).join(' ');
}
