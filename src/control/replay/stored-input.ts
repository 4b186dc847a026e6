import type { CatalogSegment } from '../../catalog/catalog.ts';
import type { Mp4Input } from './mp4/mp4-input.ts';

/** Reads the bytes of a stored segment, checked; rejects when they are gone. */
export type ReadStored = (segment: CatalogSegment) => Promise<Buffer>;

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
