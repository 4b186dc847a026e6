import type { MultivariantPlaylist } from '../../../hls/multivariant-playlist.ts';
import { PlaylistError } from '../../../hls/playlist-error.ts';
import { MAIN } from '../../../media/name.ts';
import type { Rendition } from '../../rendition.ts';
import type { Source } from '../../source.ts';
import type { ConfiguredSource, Input, PullInput } from '../configured-source.ts';
import type { InputTools } from '../open-input.ts';
import { keepPolling } from './keep-polling.ts';
import { mayAsk, type PullTarget, pullTarget } from './pull-target.ts';
import { PulledPlaylist, type PulledWay } from './pulled-playlist.ts';

type Polling = { readonly ending: AbortController; readonly ended: Promise<void> };

/**
 * Pulls a source: the configured playlist is polled and, where that names others (RFC 8216 §4.3.4), each of those by
 * itself.
 */
export class Pull implements Input {
  readonly #source: Source;
  readonly #target: PullTarget;
  readonly #root: Polling;
  /** What the configured playlist names, by URL. */
  readonly #named = new Map<string, Polling>();

  constructor(
    { name, when }: Pick<ConfiguredSource, 'name' | 'when'>,
    { url }: PullInput,
    private readonly tools: InputTools,
  ) {
    this.#source = tools.ingest.sources.find(name)!;
    this.#source.isPulled = true;
    this.#target = pullTarget(url);
    const beginsAtTail = when === 'on-demand';
    this.#root = this.#poll(this.#target, {
      beginsAtTail,
      rendition: () => this.#only(),
      namesOthers: (playlist, from) => this.#follow(playlist, from, beginsAtTail),
    });
  }

  async stop(): Promise<void> {
    const all = [this.#root, ...this.#named.values()];
    for (const { ending } of all) ending.abort();
    await Promise.all(all.map(({ ended }) => ended));
    this.#source.isPulled = false;
  }

  /** The source has but one rendition; what was named before is no more. */
  async #only(): Promise<Rendition> {
    this.#endAllBut([]);
    const { names } = this.#source;
    if (names.multivariant !== undefined) await names.single(this.#target.url.href);
    return this.tools.ingest.sources.rendition(this.#source, MAIN);
  }

  async #follow(playlist: MultivariantPlaylist, from: string, beginsAtTail: boolean): Promise<void> {
    const places = new Set<string>();
    await this.#source.names.describe(playlist, (uri, line) => {
      const place = this.#placeOf(uri, from, line);
      places.add(place);
      return place;
    });
    this.tools.changed();
    if (this.#root.ending.signal.aborted) return;
    this.#endAllBut([...places]);
    for (const place of places) {
      if (this.#named.has(place)) continue;
      const rendition = async () =>
        this.tools.ingest.sources.rendition(this.#source, this.#source.names.of(place)!);
      this.#named.set(place, this.#poll(this.#targetAt(place), { beginsAtTail, rendition }));
    }
  }

  /** Throws `PlaylistError` where a URI leads to what may not be read. */
  #placeOf(uri: string, from: string, line: number): string {
    const url = URL.canParse(uri, from) ? new URL(uri, from) : undefined;
    if (url !== undefined) url.hash = '';
    const mayBeAsked = url !== undefined && mayAsk(url, this.#target, this.tools.ingest.allowed);
    if (mayBeAsked && url.href.length <= MAX_URL) return url.href;
    throw new PlaylistError(
      'bad_playlist',
      line,
      'this media playlist lies where the edge may not read; add its origin to LIVEMIX_MEDIA_ORIGINS',
    );
  }

  /** User name and password are for the origin that they were configured for. */
  #targetAt(place: string): PullTarget {
    const { url, authorization } = this.#target;
    const at = new URL(place);
    return { url: at, ...(authorization !== undefined && at.origin === url.origin && { authorization }) };
  }

  #poll(target: PullTarget, way: Pick<PulledWay, 'beginsAtTail' | 'rendition' | 'namesOthers'>): Polling {
    const { clock, onFailure } = this.tools;
    const ending = new AbortController();
    const playlist = new PulledPlaylist(
      { ...way, target, source: this.#source, signal: ending.signal },
      this.tools,
    );
    const rhythm = { clock, random: Math.random };
    const ended = keepPolling(() => playlist.poll(), rhythm, ending.signal).catch(onFailure);
    return { ending, ended };
  }

  #endAllBut(places: readonly string[]): void {
    for (const [place, { ending }] of this.#named) {
      if (places.includes(place)) continue;
      ending.abort();
      this.#named.delete(place);
    }
  }
}

const MAX_URL = 2_048;
