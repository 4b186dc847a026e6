import { useSignal } from '@preact/signals';
import { MODES, type Mode, type Source, setMode } from './api.ts';
import { Refused } from './refused.tsx';
import type { SourcesFeed } from './sources-feed.ts';
import { useAction } from './use-action.ts';

const LABELS: Record<Mode, { word: string; meaning: string }> = {
  'on-demand': { word: 'On demand', meaning: 'Forward only while somebody watches' },
  always: { word: 'Always', meaning: 'Forward all the time' },
  off: { word: 'Off', meaning: 'Forward nothing' },
};

/** The operator's command of forwarding. What the server says wins: a refused change shows why and stays as it was. */
export function ModeSwitch({ source, feed }: { source: Source; feed: SourcesFeed }) {
  const asked = useSignal<Mode | undefined>(undefined);
  const { busy, refused, run } = useAction();
  if (source.mode === undefined) return null;

  const choose = (mode: Mode) => {
    if (mode === source.mode || busy.value) return;
    asked.value = mode;
    void run(async () => {
      await setMode(source.name, mode);
      await feed.refresh();
    }, `livemix sources mode ${source.name} ${mode}`);
  };
  const shown = busy.value ? asked.value : source.mode;

  return (
    <div class="mode">
      <fieldset class="mode-switch" aria-busy={busy.value}>
        <legend>Forward</legend>
        <div class="segments">
          {MODES.map((mode) => (
            <button
              type="button"
              key={mode}
              title={LABELS[mode].meaning}
              aria-pressed={mode === shown}
              onClick={() => choose(mode)}
            >
              {LABELS[mode].word}
            </button>
          ))}
        </div>
      </fieldset>
      <Refused why={refused.value} />
    </div>
  );
}
