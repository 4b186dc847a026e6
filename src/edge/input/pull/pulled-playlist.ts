import type { MediaPlaylist } from '../../../hls/media-playlist.ts';
import { parseMediaPlaylist } from '../../../hls/parse.ts';
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
  readonly rendition: Rendition;
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
    const playlist = parsed(fetched.body);
    // A list that reads as before and was written anew may be that of an encoder that began anew.
    await this.#take(playlist, fetched);
    // What could not be taken in is asked for again as if it were new.
    this.#validators = fetched.validators;
    this.#digest = digest;
    if (readsTheSame) return { kind: 'unchanged' };
    const { targetDuration, endList } = playlist;
    return { kind: 'changed', targetDuration: targetDuration ?? longest(playlist), ended: endList };
  }

  async #take(playlist: MediaPlaylist, { validators }: Fetched): Promise<void> {
    const { source, rendition } = this.way;
    const before = { sending: source.sending, trouble: source.trouble?.code };
    const origin = this.#originAt(validators.url);
    const { added } = await acceptPlaylist(this.tools.ingest, source, rendition, origin, playlist);
    if (added > 0) this.#began = true;
    if (before.sending !== source.sending || before.trouble !== source.trouble?.code) this.tools.changed();
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

/** A line that only a multivariant playlist has (RFC 8216 §4.3.4). */
const MULTIVARIANT = /^#EXT-X-(?:STREAM-INF|MEDIA|I-FRAME-STREAM-INF):/m;

function parsed(body: Buffer): MediaPlaylist {
  try {
    return parseMediaPlaylist(body);
  } catch (error) {
    if (!(error instanceof PlaylistError)) throw error;
    if (!MULTIVARIANT.test(body.toString('latin1'))) throw error;
    throw new PullFailed('', { code: 'pull_multivariant', lasting: true });
  }
}

const unreadable = ({ message }: PlaylistError): PullFailed =>
  new PullFailed(`What came cannot be read: ${message}.`, {
    hint: 'Check the URL of the source: what lies there is not as RFC 8216 wants it.',
  });

const longest = ({ segments }: MediaPlaylist): number =>
  segments.reduce((most, { duration }) => Math.max(most, duration), 0);
