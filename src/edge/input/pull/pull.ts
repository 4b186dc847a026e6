import { MAIN } from '../../../media/name.ts';
import type { ConfiguredSource, Input, PullInput } from '../configured-source.ts';
import type { InputTools } from '../open-input.ts';
import { keepPolling } from './keep-polling.ts';
import { pullTarget } from './pull-target.ts';
import { PulledPlaylist } from './pulled-playlist.ts';

/** Pulls a source: each of its media playlists is polled by itself. */
export class Pull implements Input {
  readonly #ending = new AbortController();
  readonly #polling: Promise<void>;

  constructor(
    { name, when }: Pick<ConfiguredSource, 'name' | 'when'>,
    { url }: PullInput,
    private readonly tools: InputTools,
  ) {
    const source = tools.ingest.sources.find(name)!;
    const target = pullTarget(url);
    source.isPulled = true;
    const beginsAtTail = when === 'on-demand';
    const renditions = [{ target, rendition: source.rendition(MAIN)! }];
    const polling = renditions.map((each) => {
      const way = { ...each, source, beginsAtTail, signal: this.#ending.signal };
      return this.#keepPolling(new PulledPlaylist(way, tools));
    });
    this.#polling = Promise.all(polling).then(() => {
      source.isPulled = false;
    });
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#polling;
  }

  async #keepPolling(playlist: PulledPlaylist): Promise<void> {
    const { clock, onFailure } = this.tools;
    const rhythm = { clock, random: Math.random };
    await keepPolling(() => playlist.poll(), rhythm, this.#ending.signal).catch(onFailure);
  }
}
