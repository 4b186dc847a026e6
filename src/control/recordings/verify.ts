import type { CatalogSegment } from '../../catalog/catalog.ts';
import { sha256 } from '../../runtime/sha256.ts';
import type { ObjectStore } from '../../store/object-store.ts';

/** How far a verification has come; `bad` are numbers of segments whose object is gone or changed. */
export type VerifyProgress = {
  readonly checked: number;
  readonly total: number;
  readonly bytes: number;
  readonly bad: readonly number[];
};

/**
 * Reads every object of a recording and compares its SHA-256, one after the other. `found` is told of each segment
 * whose state is another than its row says: gone, or back again. Rejects with `StoreFailed`.
 */
export async function* verify(
  segments: readonly CatalogSegment[],
  store: ObjectStore,
  found: (segment: CatalogSegment, isThere: boolean) => Promise<void>,
): AsyncGenerator<VerifyProgress> {
  const stored = segments.filter(({ key }) => key !== undefined);
  const bad: number[] = [];
  let bytes = 0;
  for (const [index, segment] of stored.entries()) {
    const { key, record } = segment;
    const content = await store.get(key!);
    const isThere = content !== undefined && sha256(content) === record.digest;
    bytes += content?.length ?? 0;
    if (!isThere) bad.push(record.sequence);
    if (isThere !== (record.gap === undefined)) await found(segment, isThere);
    yield { checked: index + 1, total: stored.length, bytes, bad };
  }
}
