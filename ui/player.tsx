import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { playlistUrl } from './api.ts';
import { CopyButton } from './copy-button.tsx';
import { ModeSwitch } from './mode-switch.tsx';
import { Playback } from './playback.ts';
import { PlaybackStatus } from './playback-status.tsx';
import { Savings } from './savings.tsx';
import { SourceFacts } from './source-facts.tsx';
import type { SourcesFeed } from './sources-feed.ts';
import { StateBadge } from './state-badge.tsx';
import { TroubleNote } from './trouble-note.tsx';

/** One source, playing. */
export function Player({ name, feed }: { name: string; feed: SourcesFeed }) {
  const video = useRef<HTMLVideoElement>(null);
  const playback = useSignal<Playback | undefined>(undefined);
  useEffect(() => {
    const started = new Playback(video.current!, name, feed);
    playback.value = started;
    return () => started.close();
  }, [name, feed]);

  const view = playback.value?.view.value;
  const state = view?.state ?? 'asking';
  const source = feed.find(name);
  const hasPicture = ['live', 'buffering', 'stalled', 'paused'].includes(state);
  return (
    <article class="player">
      <a href="#/" class="back">
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M10 3 5 8l5 5" />
        </svg>
        All sources
      </a>
      <div class="player-head">
        <h1>
          <bdi>{name}</bdi>
        </h1>
        {source && <StateBadge source={source} />}
      </div>
      <div class={`screen screen-${state}`}>
        <video
          ref={video}
          muted
          playsInline
          controls={hasPicture}
          aria-label={`Video of ${name}`}
          data-source={name}
          data-state={state}
          data-fatal={view?.fatal ?? 0}
          data-errors={view?.errors ?? 0}
        />
        {!hasPicture && <span class="screen-mark" aria-hidden="true" />}
      </div>
      <PlaybackStatus
        view={view}
        name={name}
        source={source}
        onLive={() => playback.value?.jumpToLive()}
        onPlay={() => void video.current?.play().catch(() => {})}
      />
      {source?.trouble && (
        <TroubleNote trouble={source.trouble} said={state === 'offline' || state === 'stalled'} />
      )}
      {source && (
        <section class="panel" aria-label="About this source">
          <SourceFacts source={source} feed={feed} />
          <Savings source={source} />
          <ModeSwitch source={source} feed={feed} />
        </section>
      )}
      <div class="address">
        <span class="address-label">Playlist</span>
        <code>{playlistUrl(name)}</code>
        <CopyButton text={playlistUrl(name)} what="the playlist's address" />
      </div>
    </article>
  );
}
