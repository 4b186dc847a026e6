import { formatClock } from '../format-time.ts';
import { gapReason } from './gap-reasons.ts';
import { isLoss, isOpen, type Recording, reachOf } from './recording.ts';

/** No gap is drawn thinner than this share of the bar: the shortest must be seen. */
const THINNEST = 0.6;

/** The time that was recorded as a thin bar, its gaps marked. Where it is tapped, the video goes. */
export function Timeline({
  recording,
  now,
  takenAt,
  seekTo,
}: {
  recording: Recording;
  now: number;
  /** When the picture that is shown was taken, where known. */
  takenAt: number | undefined;
  /** Undefined while there is no picture. */
  seekTo: ((takenAt: number) => void) | undefined;
}) {
  const { from, gaps, settledUntil } = recording;
  const whole = Math.max(1000, reachOf(recording, now) - from);
  const share = (at: number) => Math.min(100, Math.max(0, ((at - from) / whole) * 100));
  const shown = takenAt ?? from;
  return (
    <div class="timeline">
      <div class="timeline-bar">
        <svg aria-hidden="true">
          <rect width="100%" height="100%" class="time-kept" />
          {isOpen(recording) && (
            <rect
              x={`${share(settledUntil)}%`}
              width={`${100 - share(settledUntil)}%`}
              height="100%"
              class="time-coming"
            />
          )}
          {gaps.map((gap) => {
            const width = Math.max(THINNEST, share(gap.until) - share(gap.from));
            return (
              <rect
                key={`${gap.from} ${gap.reason}`}
                x={`${Math.min(share(gap.from), 100 - width)}%`}
                width={`${width}%`}
                height="100%"
                class={isLoss(gap) ? 'time-lost' : 'time-silent'}
              >
                <title>{gapReason(gap.reason).word}</title>
              </rect>
            );
          })}
        </svg>
        <input
          type="range"
          aria-label="Moment of the recording"
          aria-valuetext={formatClock(shown)}
          min={0}
          max={Math.round(whole / 1000)}
          step={1}
          value={Math.round((shown - from) / 1000)}
          disabled={seekTo === undefined}
          data-timeline
          onInput={(event) => seekTo?.(from + Number(event.currentTarget.value) * 1000)}
        />
      </div>
      <p class="timeline-ends" aria-hidden="true">
        <span>{formatClock(from)}</span>
        <span>{formatClock(from + whole)}</span>
      </p>
    </div>
  );
}
