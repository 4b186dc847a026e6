import { LRUCache } from 'lru-cache';
import { LiveMixError } from '../../../media/error.ts';
import { MAIN } from '../../../media/name.ts';
import { millis } from '../../../media/units.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Source } from '../../source.ts';
import type { PushPath } from './push-path.ts';
import { PushedFiles } from './pushed-files.ts';

/** An encoder of several renditions pushes its multivariant playlist behind the first playlist of each: so long it is waited for. */
const DESCRIBED_WITHIN = millis(1_500);
const MAX_PLAYLISTS = 64;

/** What an encoder pushes for one source. */
export class Push {
  readonly files: PushedFiles;
  readonly #playlists = new LRUCache<string, Buffer>({ max: MAX_PLAYLISTS });
  readonly #waiting = new Set<() => void>();

  constructor(
    private readonly clock: Clock,
    maxSegmentBytes: number,
  ) {
    this.files = new PushedFiles(clock, maxSegmentBytes);
  }

  /** The last playlist that was pushed under this path. */
  playlist({ folder, name }: PushPath): Buffer | undefined {
    return this.#playlists.get(folder + name);
  }

  sawPlaylist({ folder, name }: PushPath, text: Buffer): void {
    this.#playlists.set(folder + name, text);
  }

  /** A multivariant playlist was taken in: playlists that wait for their names go on. */
  described(): void {
    for (const go of this.#waiting) go();
  }

  /**
   * The rendition of a media playlist. The first one is the source's, until a multivariant playlist says otherwise; another
   * one waits a moment for that. Throws `source_busy` where nothing names it and the source's own playlist is still sent.
   */
  async renditionOf({ folder, name }: PushPath, source: Source): Promise<string> {
    const place = folder + name;
    const { names } = source;
    if (names.of(place) === undefined && !names.isEmpty) await this.#described();
    const known = names.of(place);
    if (known !== undefined) return known;
    if (!names.isEmpty && source.sending) {
      throw new LiveMixError('source_busy', 'Another playlist is being pushed for this source.');
    }
    await names.single(place);
    return MAIN;
  }

  async #described(): Promise<void> {
    const said = new AbortController();
    const go = () => said.abort();
    this.#waiting.add(go);
    await this.clock.sleep(DESCRIBED_WITHIN, said.signal);
    this.#waiting.delete(go);
  }
}

/** What is pushed, by source. There are as many as there are sources. */
export class Pushes {
  readonly #pushes = new Map<string, Push>();

  constructor(
    private readonly clock: Clock,
    private readonly maxSegmentBytes: number,
  ) {}

  find(source: string): Push | undefined {
    return this.#pushes.get(source);
  }

  /** The source is known to the edge: only such may begin. */
  of(source: string): Push {
    const known = this.#pushes.get(source);
    if (known !== undefined) return known;
    const push = new Push(this.clock, this.maxSegmentBytes);
    this.#pushes.set(source, push);
    return push;
  }

  /** Lets go what no playlist has named. */
  close(): void {
    for (const { files } of this.#pushes.values()) files.close();
  }
}
