import { bytes } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import { LayeredCache } from './layered-cache.ts';
import { MemcachedCache } from './memcached-cache.ts';
import { MemoryCache } from './memory-cache.ts';
import { parseCacheUrl } from './open-cache.ts';
import type { CacheEvents, SegmentCache } from './segment-cache.ts';

/**
 * What a node shares with others: reads go through a small memory, so that many readers cost one fetch; writes
 * go to memcached alone, since whoever writes holds the bytes itself. Undefined where the URL names no server.
 */
export function openShared(
  url: string,
  tools: { readonly clock: Clock; readonly events: CacheEvents },
): SegmentCache | undefined {
  const { kind, maxBytes, servers } = parseCacheUrl(url);
  if (kind === 'memory') return undefined;
  const far = new MemcachedCache({ servers, ...tools });
  void far.probe();
  const near = new LayeredCache(new MemoryCache({ max: bytes(Math.floor(maxBytes / 4)), ...tools }), far);
  return {
    get: (key) => near.get(key),
    set: (key, value, ttl) => far.set(key, value, ttl),
    touch: (key, ttl) => far.touch(key, ttl),
    close: () => near.close(),
  };
}
