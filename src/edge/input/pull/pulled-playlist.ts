import type { MediaPlaylist } from '../../../hls/media-playlist.ts';
import type { MultivariantPlaylist } from '../../../hls/multivariant-playlist.ts';
import { parsePlaylist } from '../../../hls/parse.ts';
import { PlaylistError } from '../../../hls/playlist-error.ts';
import { LiveMixError } from '../../../media/error.ts';
import { sha256 } from '../../../runtime/sha256.ts';
import { acceptPlaylist } from '../../ingest/accept-playlist.ts';
import type { ReadOrigin } from '../../ingest/media-origin.ts';
import type { Rendition } from '../../rendition.ts';
import type { Source } from '../../source.ts';
import { ingestTrouble, inputTrouble } from '../../trouble.ts';
import type { InputTools } from '../open-input.ts';
import { type Fetched, fetchPlaylist, type Validators } from './fetch-playlist.ts';
import { PullFailed } from './pull-failed.ts';
import type { PullTarget } from './pull-target.ts';
import type { Polled } from './rhythm.ts';

/** Which media playlist is pulled, and for whom. */
export type PulledWay = {
  readonly target: PullTarget;
  readonly source: Source;
  /** What it is a playlist of. */
  readonly rendition: () => Promise<Rendition>;
  /** It is no media playlist but names some, as seen from a URL. Left out where such a one may not be. Throws `LiveMixError`. */
  readonly namesOthers?: (playlist: MultivariantPlaylist, url: string) => Promise<void>;
  /** Somebody waits for it to begin: nothing older is read than a player would. */
  readonly beginsAtTail: boolean;
  readonly signal: AbortSignal;
};

/** A media playlist that is asked for again and again, and taken in when it has changed. */
export class PulledPlaylist {
  #validators: Validators | undefined;
  /** As it was taken in last: not every server can tell whether it has changed. */
  #digest: string | undefined;
  #failing = false;
  #began = false;

  constructor(
    private readonly way: PulledWay,
    private readonly tools: InputTools,
  ) {}

  /** Asks once. What goes wrong is the source’s trouble. Rejects only where LiveMix itself is at fault. */
  async poll(): Promise<Polled> {
    const { source, signal } = this.way;
    const { events } = this.tools;
    try {
      const polled = await this.#ask();
      events.playlistPulled(source.name, polled.kind);
      if (this.#failing) this.tools.outOfTrouble(source.name);
      this.#failing = false;
      return polled;
    } catch (error) {
      if (signal.aborted) return { kind: 'unchanged' };
      this.#failing = true;
      events.playlistPulled(source.name, 'failed');
      return this.#failed(error instanceof PlaylistError ? unreadable(error) : error);
    }
  }

  async #ask(): Promise<Polled> {
    const { target, signal } = this.way;
    const { agents, allowed } = this.tools.ingest;
    const fetched = await fetchPlaylist(target, this.#validators, { agents, allowed, signal });
    if (fetched === undefined) return { kind: 'unchanged' };
    const digest = sha256(fetched.body);
    const readsTheSame = digest === this.#digest;
    if (readsTheSame && areSame(fetched.validators, this.#validators)) return { kind: 'unchanged' };
    const playlist = parsePlaylist(fetched.body);
    // A list that reads as before and was written anew may be that of an encoder that began anew.
    if (playlist.kind === 'media') await this.#take(playlist, fetched);
    else await this.#follow(playlist, fetched);
    // What could not be taken in is asked for again as if it were new.
    this.#validators = fetched.validators;
    this.#digest = digest;
    if (readsTheSame) return { kind: 'unchanged' };
    if (playlist.kind === 'multivariant') return LADDER;
    const { targetDuration, endList } = playlist;
    return { kind: 'changed', targetDuration: targetDuration ?? longest(playlist), ended: endList };
  }

  async #follow(playlist: MultivariantPlaylist, { validators }: Fetched): Promise<void> {
    const { namesOthers } = this.way;
    if (namesOthers === undefined) {
      throw new PullFailed('A multivariant playlist names another one.', { lasting: true });
    }
    await namesOthers(playlist, validators.url);
  }

  async #take(playlist: MediaPlaylist, { validators }: Fetched): Promise<void> {
    const { source } = this.way;
    const rendition = await this.way.rendition();
    const state = () => `${source.sending} ${source.trouble?.code} ${rendition.window.newest === undefined}`;
    const before = state();
    const origin = this.#originAt(validators.url);
    const { added } = await acceptPlaylist(this.tools.ingest, source, rendition, origin, playlist);
    if (added > 0) this.#began = true;
    if (state() !== before) this.tools.changed();
  }

  #originAt(url: string): ReadOrigin {
    const { target, beginsAtTail, signal } = this.way;
    const { authorization } = target;
    const pulled = {
      origin: target.url.origin,
      ...(authorization !== undefined && { authorization }),
      beginsAtTail: beginsAtTail && !this.#began,
      signal,
    };
    return { kind: 'http', base: url, pulled };
  }

  #failed(error: unknown): Polled {
    const { name } = this.way.source;
    if (error instanceof PullFailed) {
      const { code = 'pull_failed', hint, lasting, retryAfter } = error.options;
      this.tools.inTrouble(name, inputTrouble(code, error.message, hint));
      return {
        kind: 'failed',
        ...(lasting !== undefined && { lasting }),
        ...(retryAfter !== undefined && { retryAfter }),
      };
    }
    if (!(error instanceof LiveMixError)) throw error;
    this.tools.inTrouble(name, ingestTrouble(error));
    return { kind: 'failed' };
  }
}

const areSame = (one: Validators, other: Validators | undefined): boolean =>
  one.url === other?.url && one.etag === other.etag && one.lastModified === other.lastModified;

/** A multivariant playlist changes with its encoder, rarely: it is asked for again every half minute. */
const LADDER: Polled = { kind: 'changed', targetDuration: 60, ended: false };

const unreadable = ({ message }: PlaylistError): PullFailed =>
  new PullFailed(`What came cannot be read: ${message}.`, {
    hint: 'Check the URL of the source: what lies there is not as RFC 8216 wants it.',
  });

const longest = ({ segments }: MediaPlaylist): number =>
  segments.reduce((most, { duration }) => Math.max(most, duration), 0);
