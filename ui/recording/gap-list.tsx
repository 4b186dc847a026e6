import { formatCount } from '../format.ts';
import { formatClock, formatLength } from '../format-time.ts';
import { gapReason } from './gap-reasons.ts';
import { type Gap, isLoss } from './recording.ts';

/** A gap is shown from a little before it. */
const LEAD_MS = 3000;
const SHOWN = 100;

/** Every gap in words: when, how long, and why. */
export function GapList({
  gaps,
  seekTo,
}: {
  gaps: readonly Gap[];
  /** Undefined while there is no picture. */
  seekTo: ((takenAt: number) => void) | undefined;
}) {
  if (gaps.length === 0) return null;
  return (
    <section class="panel" aria-label="Gaps">
      <h2 class="panel-title">{formatCount(gaps.length, 'gap', 'gaps')}</h2>
      <ol class="gaps">
        {gaps.slice(0, SHOWN).map((gap) => {
          const { word, sentence } = gapReason(gap.reason);
          return (
            <li
              key={`${gap.from} ${gap.reason}`}
              class={isLoss(gap) ? 'gap-lost' : 'gap-silent'}
              data-gap={gap.reason}
            >
              <p class="gap-when">
                <button
                  type="button"
                  class="text-button"
                  disabled={seekTo === undefined}
                  aria-label={`Show what comes before the gap at ${formatClock(gap.from)}`}
                  onClick={() => seekTo?.(gap.from - LEAD_MS)}
                >
                  {formatClock(gap.from)} – {formatClock(gap.until)}
                </button>
                <span>{formatLength((gap.until - gap.from) / 1000)}</span>
              </p>
              <p>
                <b>{word}.</b> {sentence}
              </p>
            </li>
          );
        })}
      </ol>
      {gaps.length > SHOWN && <p class="hint">And {gaps.length - SHOWN} more.</p>}
    </section>
  );
}
