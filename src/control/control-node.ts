import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { openCaches, parseCacheUrl } from '../cache/open-cache.ts';
import { LiveMixError } from '../media/error.ts';
import { bytes, millis } from '../media/units.ts';
import { SystemClock } from '../runtime/clock.ts';
import { lockDataDir } from '../runtime/data-dir.ts';
import { startHttpServer } from '../runtime/http-server.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics, type Metrics } from '../runtime/metrics.ts';
import { answerRaw } from '../runtime/raw-answer.ts';
import { Scope } from '../runtime/scope.ts';
import { isLoopback } from '../runtime/setting-types.ts';
import { SettingsError } from '../runtime/settings.ts';
import { pathOf } from '../serve/path.ts';
import { Presence } from '../serve/presence.ts';
import { loadUiFiles } from '../serve/ui-files.ts';
import { LINK_PATH } from '../wire/uplink.ts';
import { createApi } from './api/api.ts';
import { answerControl, refuseStrangeEdge } from './control-routes.ts';
import { EdgeLinks } from './edges/edge-links.ts';
import { Uploads } from './edges/uploads.ts';
import { controlEvents } from './events.ts';
import { Channels } from './live/channels.ts';
import { Demand } from './live/demand.ts';
import { ControlLiveHost } from './live/live-host.ts';
import { SharedSegments } from './live/shared-segments.ts';
import { checkLastingUrls, openLasting, readUrl } from './open-lasting.ts';
import { openRecordingParts } from './recording-parts.ts';
import { Remuxes } from './replay/remuxes.ts';
import type { ControlSettings } from './settings.ts';
import { Sources } from './sources/sources.ts';

/** What control is started with beside its settings. */
export type ControlSurroundings = {
  readonly log: Log;
  /** The folder of the built web page. */
  readonly uiFolder: string;
  /** Something failed that should not: the process ends. */
  readonly onFailure: (error: unknown) => void;
};

export type ControlNode = {
  readonly url: string;
  close(): Promise<void>;
};

const SWEEP_EVERY = millis(1_000);
const CLOSE_GRACE = millis(3_000);
/** Viewers that one process holds connections of. */
const MAX_CONNECTIONS = 20_000;

/** A control node: everything it is made of, and in which order it begins and ends. */
export async function startControl(
  settings: ControlSettings,
  surroundings: ControlSurroundings,
): Promise<ControlNode> {
  refuseOpenControl(settings);
  const cacheUrl = readUrl('LIVEMIX_CACHE_URL', settings.cacheUrl, parseCacheUrl);
  checkLastingUrls(settings);
  const ui = await loadUiFiles(surroundings.uiFolder);
  const scope = new Scope();
  try {
    const dataDir = await lockDataDir(settings.dataDir);
    scope.defer(() => dataDir.release());
    const clock = new SystemClock();
    const metrics = createMetrics('livemix_control_', { process: true });
    const events = controlEvents(surroundings.log, metrics, clock);
    let ready = true;
    const onLost = (error: Error) => {
      ready = false;
      events.catalogFailed(error);
      surroundings.onFailure(error);
    };
    const { catalog, store } = await openLasting(settings, dataDir.path, { clock, events, onLost }, scope);
    const caches = openCaches(settings.cacheUrl, { clock, events: events.cache });
    scope.defer(() => caches.replay.close());
    const maxLiveBytes = bytes(Math.floor(cacheUrl.maxBytes / 2));
    const sources = await Sources.open(catalog, clock, events);
    const channels = new Channels(maxLiveBytes, settings.liveSegments, clock, events);
    const presence = new Presence(clock);
    const shared = new SharedSegments(caches.shared, clock);
    const links = new EdgeLinks(sources, settings.liveSegments, clock, events, surroundings.onFailure);
    const demand = new Demand(presence, channels, clock, events, (source) => links.changed(source));
    const ground = { catalog, store, cache: caches.replay, channels, links, clock, events };
    const { drainDays, retentionDays: maxAgeDays, storeBytes: maxBytes } = settings;
    const recording = await openRecordingParts(
      { ...ground, settings: { drainDays, maxAgeDays, maxBytes } },
      scope,
    );
    links.follow(demand, recording.recordings);
    const live = new ControlLiveHost(
      sources,
      channels,
      demand,
      shared,
      recording.segments,
      presence,
      events.requestFailed,
    );
    const { adminToken, edgeToken } = settings;
    const { requestFailed } = events;
    const recordings = { ...recording, sources, links, clock };
    const api = await createApi({ sources, links, demand, presence, recordings, adminToken, requestFailed });
    scope.defer(() => api.close());
    const uploads = new Uploads(clock);
    const routes = {
      live,
      receiver: { sources, channels, links, shared, clock, events, uploads },
      keep: { keeper: recording.keeper, links, uploads, events },
      replay: { ...recording, remuxes: new Remuxes(), events },
      api,
      edgeToken,
      metrics,
      ui,
      isReady: () => ready,
    };
    controlGauges(metrics, sources, channels, presence);

    const sweeping = clock.every(SWEEP_EVERY, () => {
      for (const source of sources.all) demand.review(source);
      channels.sweep();
      shared.renew();
    });
    scope.defer(() => sweeping.cancel());
    const server = await startHttpServer({
      listen: settings.listen,
      clock,
      limits: { connections: MAX_CONNECTIONS },
      handle: (request, response) => answerControl(routes, request, response),
      onUpgrade: (request, socket, head) => upgrade(links, edgeToken, request, socket, head),
      onProblem: (problem) => {
        if (problem.kind === 'handlerFailed') events.requestFailed(problem.requestId, problem.error);
        if (problem.kind === 'slowReaderCut') events.slowReaderCut(problem.peer);
      },
    });
    scope.defer(() => server.close(CLOSE_GRACE));
    scope.defer(() => links.close());
    events.started(server.url, maxLiveBytes);
    return {
      url: server.url,
      close: async () => {
        await scope.close();
        events.stopped();
      },
    };
  } catch (error) {
    await scope.close();
    throw error;
  }
}

function upgrade(
  links: EdgeLinks,
  edgeToken: string | undefined,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  try {
    if (pathOf(request) !== LINK_PATH)
      throw new LiveMixError('not_found', 'There is no WebSocket at this address.');
    refuseStrangeEdge(request, edgeToken);
  } catch (error) {
    answerRaw(socket, error as LiveMixError);
    return;
  }
  links.upgrade(request, socket, head);
}

function controlGauges(metrics: Metrics, sources: Sources, channels: Channels, presence: Presence): void {
  metrics.gauge('live_held_bytes', 'Bytes that channels hold', [], (gauge) => gauge.set(channels.bytes));
  metrics.gauge('source_viewers', 'Viewers of a source', ['source'], (gauge) => {
    gauge.reset();
    for (const { name, targetDuration } of sources.all) {
      gauge.set({ source: name }, presence.viewers(name, targetDuration));
    }
  });
  metrics.gauge('sources', 'Sources by state', ['state'], (gauge) => {
    gauge.reset();
    for (const source of sources.all) gauge.inc({ state: source.state });
  });
}

function refuseOpenControl({ listen, edgeToken, adminToken, viewers }: ControlSettings): void {
  if (isLoopback(listen.host)) return;
  const lacking = [
    ...(edgeToken === undefined ? ['LIVEMIX_EDGE_TOKEN'] : []),
    ...(adminToken === undefined ? ['LIVEMIX_ADMIN_TOKEN'] : []),
    ...(viewers === undefined ? ['LIVEMIX_VIEWERS=public'] : []),
  ];
  if (lacking.length === 0) return;
  throw new SettingsError(
    'LIVEMIX_LISTEN',
    `${listen.host} is reachable from other machines: set ${lacking.join(' and ')}, or listen on 127.0.0.1.`,
  );
}
