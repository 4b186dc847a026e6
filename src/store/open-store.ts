import type { Clock } from '../runtime/clock.ts';
import { FileStore } from './file-store.ts';
import type { ObjectStore } from './object-store.ts';
import { S3Store } from './s3-store.ts';
import type { StoreEvents } from './store-events.ts';
import { parseStoreUrl } from './store-url.ts';

export { isStoreUrl, parseStoreUrl } from './store-url.ts';

/**
 * Opens the store that a URL names: makes the folder, or loads what speaks S3, which need not be there. Throws
 * `BadValue` where it is no store URL.
 */
export async function openStore(
  url: string,
  tools: { readonly clock: Clock; readonly events: StoreEvents },
): Promise<ObjectStore> {
  const parsed = parseStoreUrl(url);
  return parsed.kind === 'folder' ? FileStore.open(parsed.folder, tools.events) : S3Store.open(parsed, tools);
}
