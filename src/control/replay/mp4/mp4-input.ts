import { LiveMixError } from '../../../media/error.ts';

/** One segment to be put in. */
export type Mp4Input = {
  /** Undefined where they are gone: the file goes on with the next one, which begins where the one before ended. */
  readonly bytes: () => Promise<Buffer | undefined>;
  /** Without the dot. Only `ts` can be put in. */
  readonly extension: string;
  /** Its times do not follow the ones before. */
  readonly discontinuity: boolean;
  /** When it begins (epoch ms). */
  readonly at: number;
  /** Seconds. The header tells the sum of them before the media is known. */
  readonly duration: number;
};

/** What one MP4 cannot hold, in words a person understands. */
export class Mp4Impossible extends LiveMixError {
  declare readonly code: 'mp4_impossible';

  constructor(detail: string, options: { readonly cause?: unknown } = {}) {
    super('mp4_impossible', detail, options);
    this.name = 'Mp4Impossible';
  }
}

/** A segment that is no transport stream, or a broken one. It is left out. */
export class UnreadableSegment extends Error {
  override readonly name = 'UnreadableSegment';
}
