import { LiveMixError } from '../../../media/error.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { PushPath } from './push-path.ts';
import { PushedFiles } from './pushed-files.ts';

/** What an encoder pushes for one source. */
export class Push {
  readonly files: PushedFiles;
  #playlist: { readonly path: string; readonly text: Buffer } | undefined;

  constructor(clock: Clock, maxSegmentBytes: number) {
    this.files = new PushedFiles(clock, maxSegmentBytes);
  }

  /** The last playlist that was pushed under this path. */
  playlist({ folder, name }: PushPath): Buffer | undefined {
    return this.#playlist?.path === folder + name ? this.#playlist.text : undefined;
  }

  /**
   * A playlist came. Throws `source_busy` when it is not the one that this source follows, which its encoder
   * still sends.
   */
  sawPlaylist({ folder, name }: PushPath, text: Buffer, sending: boolean): void {
    const path = folder + name;
    if (sending && this.#playlist !== undefined && this.#playlist.path !== path) {
      throw new LiveMixError('source_busy', 'Another playlist is being pushed for this source.');
    }
    this.#playlist = { path, text };
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
