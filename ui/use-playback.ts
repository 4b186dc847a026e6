import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { NOTHING_YET, Playback } from './playback.ts';
import type { Programme } from './programme.ts';

/** A video element's playback for as long as it is on the page. Another programme needs another component (a key). */
export function usePlayback(programme: Programme) {
  const video = useRef<HTMLVideoElement>(null);
  const playback = useSignal<Playback | undefined>(undefined);
  useEffect(() => {
    const started = new Playback(video.current!, programme);
    playback.value = started;
    return () => started.close();
  }, []);
  return {
    video,
    view: playback.value?.view.value ?? NOTHING_YET,
    play: () => void video.current?.play().catch(() => {}),
    jumpToLive: () => playback.value?.jumpToLive(),
    seekTo: (takenAt: number) => playback.value?.seekTo(takenAt),
  };
}
