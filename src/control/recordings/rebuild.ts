import type { Catalog, CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import { type ObjectStore, StoreFailed } from '../../store/object-store.ts';
import { decodeManifest, decodePart, isManifest, MANIFESTS } from './manifest.ts';

/** Segments that are written in one transaction. */
const AT_ONCE = 500;

export type RebuildProgress = {
  readonly recordings: number;
  readonly segments: number;
  /** Manifests, and parts of them, that could not be read, and why. */
  readonly unreadable: readonly { readonly key: string; readonly why: string }[];
};

/**
 * Restores recordings and their segments from the manifests in the store. What the catalog knows already stays as it
 * is, so it can be done again. Rejects with `StoreFailed`.
 */
export async function* rebuild(catalog: Catalog, store: ObjectStore): AsyncGenerator<RebuildProgress> {
  const known = new Set((await catalog.recordings()).map(({ id }) => id));
  const unreadable: { key: string; why: string }[] = [];
  const note = (key: string, error: Error) => {
    if (error instanceof StoreFailed) throw error;
    unreadable.push({ key, why: error.message.split('\n')[0]! });
  };
  let recordings = 0;
  let segments = 0;
  for await (const page of store.list(MANIFESTS)) {
    for (const { key } of page) {
      if (!isManifest(key)) continue;
      try {
        const text = (await store.get(key))?.toString();
        const manifest = decodeManifest(text ?? '');
        if (!known.has(manifest.recording.id)) await catalog.saveRecording(asRestored(manifest.recording));
        segments += await add(catalog, manifest.segments);
        recordings += 1;
        for (const part of manifest.parts) {
          try {
            const bytes = (await store.get(part)) ?? Buffer.alloc(0);
            segments += await add(catalog, decodePart(manifest.recording.source, part, bytes));
          } catch (error) {
            note(part, error as Error);
          }
        }
      } catch (error) {
        note(key, error as Error);
      }
      yield { recordings, segments, unreadable };
    }
  }
}

/**
 * One that goes on may have more segments than its manifest. Its edge announces again what it still has; what it has let
 * go meanwhile is lost, as before the beginning of a recording.
 */
const asRestored = (recording: CatalogRecording): CatalogRecording =>
  recording.ended === undefined ? { ...recording, spool: '' } : recording;

/** Resolves with how many they are. */
async function add(catalog: Catalog, segments: readonly CatalogSegment[]): Promise<number> {
  for (let start = 0; start < segments.length; start += AT_ONCE) {
    await catalog.addSegments(segments.slice(start, start + AT_ONCE));
  }
  return segments.length;
}
