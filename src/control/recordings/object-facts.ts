import { mediaType, type SegmentRecord } from '../../media/segment-record.ts';
import type { ObjectFacts } from '../../store/object-store.ts';

/** What the store is told of a segment's bytes. */
export const objectFactsOf = ({ bytes, digest, extension }: SegmentRecord): ObjectFacts => ({
  bytes,
  digest,
  contentType: mediaType(extension),
});
