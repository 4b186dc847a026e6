import type { CatalogSegment } from '../../catalog/catalog.ts';
import type { Mp4Input } from './mp4/mp4-input.ts';

/** Reads the bytes of a stored segment, checked; undefined when they are gone. Rejects with `store_unavailable`. */
export type ReadStored = (segment: CatalogSegment) => Promise<Buffer | undefined>;

/** Reads of one download, which looks at some segments twice: what is gone is looked for once. */
export class StoredReads {
  readonly #gone = new Set<CatalogSegment>();

  constructor(private readonly once: ReadStored) {}

  /** How many segments were found to be gone. */
  get gone(): number {
    return this.#gone.size;
  }

  isGone(segment: CatalogSegment): boolean {
    return this.#gone.has(segment);
  }

  readonly read: ReadStored = async (segment) => {
    if (this.#gone.has(segment)) return undefined;
    const bytes = await this.once(segment);
    if (bytes === undefined) this.#gone.add(segment);
    return bytes;
  };
}

/** A stored segment as it is put into an MP4. @param before the one that is put in before it */
export function inputOf(
  segment: CatalogSegment,
  before: CatalogSegment | undefined,
  read: ReadStored,
): Mp4Input {
  const { record } = segment;
  const follows = before === undefined || before.record.sequence + 1 === record.sequence;
  return {
    bytes: () => read(segment),
    extension: record.extension,
    discontinuity: record.discontinuity || !follows,
    at: record.at,
    duration: record.duration,
  };
}
