import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';
import { LiveMixError } from '../../../media/error.ts';
import { MAIN } from '../../../media/name.ts';
import { type Millis, millis } from '../../../media/units.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { RenditionNames } from '../../rendition-names.ts';
import type { Source } from '../../source.ts';
import type { Spool } from '../../spool/spool.ts';
import { ArrivingBody } from './arriving-body.ts';
import type { PushPath } from './push-path.ts';
import { PushedFiles } from './pushed-files.ts';
import { SmallFiles } from './small-files.ts';

/**
 * An encoder of several renditions pushes its multivariant playlist right behind the first playlist of each. So long it is
 * waited for where nothing is known of the source yet, and where another playlist of it is known.
 */
const FIRST_DESCRIBED_WITHIN = millis(300);
const DESCRIBED_WITHIN = millis(1_500);
const MAX_PLAYLISTS = 64;

/** What an encoder pushes for one source. */
export class Push {
  readonly files: PushedFiles;
  readonly #playlists = new LRUCache<string, Buffer>({ max: MAX_PLAYLISTS });
  readonly #waiting = new Set<() => void>();
  /** Media playlists that wait for a name. */
  readonly #unnamed = new Set<string>();

  constructor(
    private readonly clock: Clock,
    maxSegmentBytes: number,
    spool: Spool,
    small: SmallFiles,
  ) {
    this.files = new PushedFiles(clock, maxSegmentBytes, spool, small);
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
   * The rendition of a media playlist. One that no multivariant playlist names within a moment is the source's only one,
   * or takes its place: whether that is a restart or a rival, its segments tell. Throws `source_busy` where the source has
   * several, which are still sent.
   */
  async renditionOf({ folder, name }: PushPath, source: Source): Promise<string> {
    const place = folder + name;
    const { names } = source;
    if (names.of(place) === undefined) await this.#described(place, names);
    const known = names.of(place);
    if (known !== undefined) return known;
    if (names.multivariant !== undefined && source.sending) {
      throw new LiveMixError('source_busy', 'No multivariant playlist of this source names this playlist.');
    }
    await names.single(place);
    return MAIN;
  }

  /** Waits for a multivariant playlist that names this one: longer where there is another one already. */
  async #described(place: string, names: RenditionNames): Promise<void> {
    this.#unnamed.add(place);
    await this.#waitFor(FIRST_DESCRIBED_WITHIN);
    const isOneOfSome = !names.isEmpty || this.#unnamed.size > 1;
    if (isOneOfSome && names.of(place) === undefined) await this.#waitFor(DESCRIBED_WITHIN);
    this.#unnamed.delete(place);
  }

  async #waitFor(most: Millis): Promise<void> {
    const said = new AbortController();
    const go = () => said.abort();
    this.#waiting.add(go);
    await this.clock.sleep(most, said.signal);
    this.#waiting.delete(go);
  }
}

/** What is pushed, by source. There are as many as there are sources. */
export class Pushes {
  readonly #pushes = new Map<string, Push>();
  readonly #bodies = new WeakMap<IncomingMessage, ArrivingBody>();

  constructor(
    private readonly clock: Clock,
    private readonly maxSegmentBytes: number,
    private readonly spool: Spool,
  ) {}

  /** The body of a push, from the turn in which its request begins. */
  bodyOf(request: IncomingMessage, maxBytes: number): ArrivingBody {
    const body = new ArrivingBody(request, maxBytes);
    this.#bodies.set(request, body);
    return body;
  }

  /** Whether a request brings a file that segments are cut out of: it may last as long as its encoder. */
  isStream(request: IncomingMessage): boolean {
    return this.#bodies.get(request)?.isCut ?? false;
  }

  find(source: string): Push | undefined {
    return this.#pushes.get(source);
  }

  /** Brings back what encoders of these sources sent an earlier process and do not send again. */
  async restore(sources: Iterable<string>): Promise<void> {
    for (const source of sources) {
      const left = await SmallFiles.left(this.spool.stateFile('pushed', source));
      if (left !== undefined) this.#begin(source, left);
    }
  }

  /** The source is known to the edge: only such may begin. */
  of(source: string): Push {
    const known = this.#pushes.get(source);
    return known ?? this.#begin(source, SmallFiles.empty(this.spool.stateFile('pushed', source)));
  }

  #begin(source: string, small: SmallFiles): Push {
    const push = new Push(this.clock, this.maxSegmentBytes, this.spool, small);
    this.#pushes.set(source, push);
    return push;
  }

  /** Lets go what no playlist has named. */
  async close(): Promise<void> {
    await Promise.all([...this.#pushes.values()].map(({ files }) => files.close()));
  }
}
