import type { Source } from './api.ts';
import { ModeSwitch } from './mode-switch.tsx';
import { hashOf } from './route.ts';
import { Savings } from './savings.tsx';
import { SourceFacts } from './source-facts.tsx';
import type { SourcesFeed } from './sources-feed.ts';
import { StateBadge, shownState } from './state-badge.tsx';
import { TroubleNote } from './trouble-note.tsx';

/** One source in the list. Its head is a link to its player. */
export function SourceCard({
  source,
  feed,
  isRecording,
}: {
  source: Source;
  feed: SourcesFeed;
  isRecording: boolean;
}) {
  return (
    <li class={`card card-${shownState(source)}`} data-source={source.name} data-state={source.state}>
      <div class="card-head">
        <span class="play-mark">
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M8.5 5.6v12.8a.7.7 0 0 0 1.07.6l10.1-6.4a.7.7 0 0 0 0-1.2L9.57 5a.7.7 0 0 0-1.07.6Z" />
          </svg>
        </span>
        <div class="card-title">
          <div class="card-name">
            <h2>
              <a href={hashOf(source.name)} aria-label={`Watch ${source.name}`}>
                <bdi>{source.name}</bdi>
              </a>
            </h2>
            <StateBadge source={source} />
          </div>
          <SourceFacts source={source} feed={feed} isRecording={isRecording} />
        </div>
      </div>
      {source.trouble && <TroubleNote trouble={source.trouble} />}
      <Savings source={source} />
      <ModeSwitch source={source} feed={feed} />
    </li>
  );
}
