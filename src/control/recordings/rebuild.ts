import type { Catalog } from '../../catalog/catalog.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { decodeManifest, MANIFESTS } from './manifest.ts';

/** Segments that are written in one transaction. */
const AT_ONCE = 500;

export type RebuildProgress = {
  readonly recordings: number;
  readonly segments: number;
  /** Manifests that could not be read, and why. */
  readonly unreadable: readonly { readonly key: string; readonly why: string }[];
};

/**
 * Restores recordings and their segments from the manifests in the store. What the catalog knows already stays as it
 * is, so it can be done again. Rejects with `StoreFailed`.
 */
export async function* rebuild(catalog: Catalog, store: ObjectStore): AsyncGenerator<RebuildProgress> {
  const known = new Set((await catalog.recordings()).map(({ id }) => id));
  const unreadable: { key: string; why: string }[] = [];
  let recordings = 0;
  let segments = 0;
  for await (const page of store.list(MANIFESTS)) {
    for (const { key } of page) {
      if (!key.endsWith('/manifest.json')) continue;
      try {
        const text = (await store.get(key))?.toString();
        const manifest = decodeManifest(text ?? '');
        if (!known.has(manifest.recording.id)) await catalog.saveRecording(manifest.recording);
        for (let start = 0; start < manifest.segments.length; start += AT_ONCE) {
          await catalog.addSegments(manifest.segments.slice(start, start + AT_ONCE));
        }
        recordings += 1;
        segments += manifest.segments.length;
      } catch (error) {
        if ((error as Error).name === 'StoreFailed') throw error;
        unreadable.push({ key, why: (error as Error).message.split('\n')[0]! });
      }
      yield { recordings, segments, unreadable };
    }
  }
}
