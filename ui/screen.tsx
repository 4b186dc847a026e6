import type { RefObject } from 'preact';
import type { PlaybackState, PlaybackView } from './playback.ts';

const WITHOUT_PICTURE: readonly PlaybackState[] = [
  'asking',
  'missing',
  'off',
  'offline',
  'empty',
  'starting',
];

export const hasPicture = (state: PlaybackState): boolean => !WITHOUT_PICTURE.includes(state);

/** The video, or a mark that says what it waits for. */
export function Screen({
  video,
  view,
  label,
  source,
}: {
  video: RefObject<HTMLVideoElement | null>;
  view: PlaybackView;
  label: string;
  source: string;
}) {
  const picture = hasPicture(view.state);
  return (
    <div class={`screen screen-${view.state}`}>
      <video
        ref={video}
        muted
        playsInline
        controls={picture}
        aria-label={label}
        data-source={source}
        data-state={view.state}
        data-fatal={view.fatal}
        data-errors={view.errors}
      />
      {!picture && <span class="screen-mark" aria-hidden="true" />}
    </div>
  );
}
