import { type Bytes, bytes, MIB } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import { BadValue, bytesValue, type HostPort, hostPort } from '../runtime/setting-types.ts';
import { LayeredCache } from './layered-cache.ts';
import { MemcachedCache } from './memcached-cache.ts';
import { MemoryCache } from './memory-cache.ts';
import type { CacheEvents, SegmentCache } from './segment-cache.ts';

/** What a cache URL says. */
export type CacheUrl = {
  readonly kind: 'memory' | 'memcached';
  /** How much the process keeps in its own memory. */
  readonly maxBytes: Bytes;
  /** Empty for `memory`. */
  readonly servers: readonly HostPort[];
};

const DEFAULT_MAX = bytes(256 * MIB);
/** Less than this would not hold one segment. */
const LEAST_MAX = 16 * MIB;
const MAX_SERVERS = 32;
const MEND = 'Write memory:?max=256MiB or memcached://host:11211,host:11211?max=256MiB.';

/** Reads a cache URL. Throws `BadValue` that says what to write instead. */
export function parseCacheUrl(url: string): CacheUrl {
  const memory = /^memory:(?:\?(.*))?$/.exec(url);
  if (memory !== null) return { kind: 'memory', maxBytes: maxOf(memory[1]), servers: [] };
  const memcached = /^memcached:\/\/([^/?#]*)\/?(?:\?(.*))?$/.exec(url);
  if (memcached === null) throw new BadValue('This is no cache URL', MEND);
  return { kind: 'memcached', maxBytes: maxOf(memcached[2]), servers: serversOf(memcached[1]!) };
}

/** The caches of a node. They are one: what is found in either is found in both. */
export type NodeCaches = {
  /** For what is read from a store: memory, in front of memcached where the URL names servers. */
  readonly replay: SegmentCache;
  /**
   * For what the node holds itself and others may want: written to memcached alone. Undefined where the URL names
   * no server.
   */
  readonly shared: SegmentCache | undefined;
};

/** Opens the cache that a URL names. Half of its memory is left to live segments, which the node owns itself. */
export function openCaches(
  url: string,
  tools: { readonly clock: Clock; readonly events: CacheEvents },
): NodeCaches {
  const { kind, maxBytes, servers } = parseCacheUrl(url);
  const memory = new MemoryCache({ max: bytes(Math.floor(maxBytes / 2)), ...tools });
  if (kind === 'memory') return { replay: memory, shared: undefined };
  const far = new MemcachedCache({ servers, ...tools });
  void far.probe();
  const near = new LayeredCache(memory, far);
  return {
    replay: near,
    shared: {
      get: (key) => near.get(key),
      set: (key, value, ttl) => far.set(key, value, ttl),
      touch: (key, ttl) => far.touch(key, ttl),
      close: () => near.close(),
    },
  };
}

function maxOf(query = ''): Bytes {
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys()) {
    if (name !== 'max') throw new BadValue(`A cache URL has no parameter ${JSON.stringify(name)}`, MEND);
  }
  const text = parameters.get('max');
  const max = text === null ? DEFAULT_MAX : bytesValue(text);
  if (max < LEAST_MAX) throw new BadValue(`max=${text} holds no segment`, 'Give the cache 16MiB or more.');
  return max;
}

function serversOf(text: string): readonly HostPort[] {
  const names = text.split(',').filter((name) => name !== '');
  if (names.length === 0) throw new BadValue('The cache URL names no server', MEND);
  if (names.length > MAX_SERVERS) {
    throw new BadValue(`The cache URL names ${names.length} servers`, `Name at most ${MAX_SERVERS}.`);
  }
  if (new Set(names).size < names.length) {
    throw new BadValue('The cache URL names a server twice', 'Name each server once.');
  }
  return names.map((name) => {
    const server = hostPort(name);
    if (server.port === 0) throw new BadValue('A memcached server has no port 0', MEND);
    return server;
  });
}
