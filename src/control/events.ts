import type { CacheEvents } from '../cache/segment-cache.ts';
import { MIB, type Millis } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { rarelySaid } from '../runtime/rarely.ts';
import type { StoreEvents } from '../store/store-events.ts';

export type ControlEvents = ReturnType<typeof controlEvents>;

/** Everything worth knowing that happens on control: the log line and the metric together. */
export function controlEvents(log: Log, metrics: Metrics, clock: Clock) {
  const links = metrics.counter('edge_links_total', 'Links of edges that were opened');
  const refusedLinks = metrics.counter('edge_links_refused_total', 'Links that were refused', ['reason']);
  const received = metrics.counter('live_segments_total', 'Segments received', ['source']);
  const receivedBytes = metrics.counter('live_bytes_total', 'Bytes of segments received', ['source']);
  const receiveTime = metrics.histogram(
    'live_receive_seconds',
    'From the first byte of a segment to its receipt',
  );
  const repeated = metrics.counter('live_repeated_total', 'Segments received more than once', ['source']);
  const refused = metrics.counter('live_refused_total', 'Uploads that were refused', ['code']);
  const fromCache = metrics.counter(
    'live_from_cache_total',
    'Segments that a restarted control found in memcached',
  );
  const renders = metrics.counter('live_renders_total', 'Playlists that were rendered', ['source']);
  const cacheHits = metrics.counter('cache_hits_total', 'Values found', ['layer']);
  const cacheMisses = metrics.counter('cache_misses_total', 'Values not found', ['layer']);
  const cacheFailures = metrics.counter('cache_failures_total', 'Operations that failed', [
    'operation',
    'reason',
  ]);
  const poisoned = metrics.counter('cache_poisoned_total', 'Values that did not match their tag');

  const recordings = metrics.counter('recordings_total', 'Recordings by what became of them', ['event']);
  const stored = metrics.counter('store_segments_total', 'Segments stored', ['by']);
  const storedBytes = metrics.counter('store_bytes_total', 'Bytes of segments stored', ['by']);
  const storeReads = metrics.counter('store_reads_total', 'Segments read from the object store');
  const storeFailures = metrics.counter('store_failures_total', 'Operations of the store that failed', [
    'operation',
    'reason',
  ]);
  const replayed = metrics.counter('replay_segments_total', 'Segments of recordings asked for', ['from']);
  const removed = metrics.counter('store_removed_total', 'Objects removed from the store', ['why']);

  const rarely = rarelySaid(clock);

  const cache: CacheEvents = {
    hit: (layer) => cacheHits.inc({ layer }),
    miss: (layer) => cacheMisses.inc({ layer }),
    failed: (server, operation, error) => {
      cacheFailures.inc({ operation, reason: error.reason });
      rarely(`cache ${server} ${error.reason}`, () =>
        log.warn(
          { server, operation, reason: error.reason, detail: error.message },
          'memcached is in trouble',
        ),
      );
    },
    poisoned: (key) => {
      poisoned.inc();
      log.error({ key }, 'a cached value does not match its tag: somebody else writes to memcached');
    },
    opened: (server) =>
      log.warn({ server }, 'memcached is left out for a while; viewers do not depend on it'),
    closed: (server) => log.info({ server }, 'memcached answers again'),
    refusedSize: (server, size) =>
      log.warn({ server, bytes: size }, 'memcached refuses large values: start it with -I 32m'),
  };

  const store: StoreEvents = {
    failed: (operation, reason) => {
      storeFailures.inc({ operation, reason });
      rarely(`store ${operation} ${reason}`, () =>
        log.warn({ operation, reason }, 'the object store is in trouble; it is tried again'),
      );
    },
    opened: () => log.warn('the object store is left alone for a moment; recordings wait at their edges'),
    closed: () => log.info('the object store answers again'),
  };

  return {
    cache,
    store,
    recordingStarted: (id: string, source: string) => {
      recordings.inc({ event: 'started' });
      log.info({ id, source }, 'a recording began');
    },
    recordingStopped: (id: string, source: string) => log.info({ id, source }, 'a recording was stopped'),
    recordingEnded: (id: string, source: string, how: string) => {
      recordings.inc({ event: how });
      if (how === 'settled') log.info({ id, source }, 'a recording is whole');
      else log.error({ id, source }, 'a recording was given up: its edge did not come back in time');
    },
    recordingDeleted: (id: string, source: string) => {
      recordings.inc({ event: 'deleted' });
      log.info({ id, source }, 'a recording was deleted');
    },
    recordingExpired: (id: string, why: 'age' | 'quota') => {
      recordings.inc({ event: why });
      log.info({ id, why }, 'a recording is removed to make room');
    },
    spoolLost: (id: string, source: string) =>
      log.error({ id, source }, 'an edge came back with another spool: what it had not delivered is lost'),
    manifestFailed: (id: string, error: Error) =>
      rarely('manifest', () => log.warn({ id, err: error }, 'a manifest was not written; it is tried again')),
    segmentStored: (source: string, size: number, by: 'live' | 'ticket' | 'direct') => {
      stored.inc({ by });
      storedBytes.inc({ by }, size);
      log.debug({ source, bytes: size, by }, 'segment stored');
    },
    numberReused: (source: string, sequence: number) =>
      rarely(`reused ${source}`, () =>
        log.error({ source, sequence }, 'a recorded number came again with other bytes: the first stays'),
      ),
    objectLost: (source: string, sequence: number) =>
      log.error({ source, sequence }, 'an object is gone from the store, or changed: a gap is stated'),
    replayed: (from: 'cache' | 'store') => replayed.inc({ from }),
    downloadBroken: (id: string, error: unknown) =>
      log.warn({ id, err: error }, 'a download broke off in the middle; its reader was shown so'),
    storeRead: () => storeReads.inc(),
    objectsRemoved: (count: number) => removed.inc({ why: 'unwanted' }, count),
    orphansRemoved: (count: number) => {
      removed.inc({ why: 'orphan' }, count);
      log.info({ count }, 'objects that nothing knows of were removed');
    },
    quotaExceeded: (maxBytes: number) =>
      rarely('quota', () =>
        log.warn({ maxBytes }, 'recordings take more than LIVEMIX_STORE_BYTES, and none of them may go'),
      ),
    spaceFailed: (error: Error) =>
      rarely('space', () => log.warn({ err: error }, 'making room failed; it is tried again')),
    started: (url: string, liveBytes: number) => {
      const sources = Math.floor(liveBytes / (13 * MIB));
      log.info(
        { url, liveMiB: Math.floor(liveBytes / MIB) },
        `control is listening; room for about ${sources} live sources at 4 Mbit/s`,
      );
    },
    stopped: () => log.info('control has ended'),
    requestFailed: (requestId: string, error: unknown) =>
      log.error({ requestId, err: error }, 'a request failed'),
    slowReaderCut: (peer: string) => log.info({ peer }, 'a reader was too slow and was cut off'),
    catalogFailed: (error: Error) => log.error({ err: error }, 'the catalog failed'),

    linkOpened: (edge: string, version: string, generation: number) => {
      log.info({ edge, version, generation }, 'edge is connected');
      links.inc();
    },
    linkClosed: (edge: string, reason: string) => log.warn({ edge, reason }, 'edge is gone'),
    linkRefused: (peer: string, reason: string) => {
      refusedLinks.inc({ reason });
      rarely(`link ${reason}`, () => log.warn({ peer, reason }, 'an edge was refused'));
    },
    sourceAppeared: (source: string, edge: string) => log.info({ source, edge }, 'source appeared'),
    sourceTaken: (source: string, owner: string, edge: string) =>
      rarely(`taken ${source} ${edge}`, () =>
        log.warn({ source, owner, edge }, 'two edges report one source: the first one keeps it'),
      ),
    modeChanged: (source: string, mode: string) => log.info({ source, mode }, 'mode changed'),
    sourceDeleted: (source: string) => log.info({ source }, 'source deleted'),
    forwardingAsked: (source: string, renditions: readonly string[]) =>
      log.info(
        { source, renditions: renditions.join(',') },
        renditions.length > 0 ? 'forwarding is asked for' : 'forwarding is no longer asked for',
      ),

    segmentReceived: (source: string, sequence: number, size: number, took: Millis) => {
      log.debug({ source, sequence, bytes: size, tookMs: Math.round(took) }, 'segment received');
      received.inc({ source });
      receivedBytes.inc({ source }, size);
      receiveTime.observe(took / 1000);
    },
    segmentRepeated: (source: string) => repeated.inc({ source }),
    segmentFoundInCache: (source: string, sequence: number) => {
      fromCache.inc();
      log.debug({ source, sequence }, 'segment found in memcached');
    },
    uploadRefused: (source: string, code: string) => {
      refused.inc({ code });
      log.debug({ source, code }, 'an upload was refused');
    },
    listRendered: (source: string) => renders.inc({ source }),
    liveFull: (source: string) =>
      rarely('live full', () =>
        log.error({ source }, 'no room for another live source: raise `max` in LIVEMIX_CACHE_URL'),
      ),
  };
}
