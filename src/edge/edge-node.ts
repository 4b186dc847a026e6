import { join } from 'node:path';
import { NAME_PATTERN } from '../media/name.ts';
import { millis } from '../media/units.ts';
import { SystemClock } from '../runtime/clock.ts';
import { lockDataDir } from '../runtime/data-dir.ts';
import { startHttpServer } from '../runtime/http-server.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { Scope } from '../runtime/scope.ts';
import { isLoopback } from '../runtime/setting-types.ts';
import { SettingsError } from '../runtime/settings.ts';
import { Presence } from '../serve/presence.ts';
import { loadUiFiles } from '../serve/ui-files.ts';
import { MAX_SEGMENT_BYTES } from '../wire/uplink.ts';
import { answerEdge, type EdgeRoutes, refuseBeforeBody } from './edge-routes.ts';
import { type EdgeEvents, edgeEvents } from './events.ts';
import type { Ingest } from './ingest/ingest.ts';
import { httpAgents } from './ingest/open-segment.ts';
import { PlaylistRate } from './ingest/playlist-rate.ts';
import { Pushes } from './ingest/push/pushes.ts';
import { FfmpegProgram, ffmpegEnvironment } from './input/command/ffmpeg-program.ts';
import type { ConfiguredSources } from './input/configured-source.ts';
import { isWanted } from './input/demand.ts';
import { Inputs } from './input/inputs.ts';
import type { InputTools } from './input/open-input.ts';
import { LanHost } from './lan/lan-host.ts';
import type { EdgeSettings } from './settings.ts';
import { Sources } from './sources.ts';
import { BacklogWatch } from './spool/backlog-watch.ts';
import { bootId } from './spool/boot-id.ts';
import { isInputTrouble } from './trouble.ts';
import { Uplink } from './uplink/uplink.ts';

/** What an edge is started with beside its settings. */
export type EdgeSurroundings = {
  readonly log: Log;
  readonly version: string;
  readonly hostName: string;
  /** The folder of the built web page. */
  readonly uiFolder: string;
  /** The sources that it brings in by itself. */
  readonly sources?: ConfiguredSources;
  /** What programs that it starts are given, without what is secret. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Something failed that should not: the process ends. */
  readonly onFailure: (error: unknown) => void;
};

export type EdgeNode = {
  readonly url: string;
  /** Whether control can be reached. */
  connected(): boolean;
  /** The whole of the sources that it brings in by itself, from now on. */
  configure(configured: ConfiguredSources): Promise<void>;
  close(): Promise<void>;
};

/** Sources that one edge takes. */
const MAX_SOURCES = 64;
/** Running answers get this long at the end. */
const CLOSE_GRACE = millis(3_000);
const WATCH_EVERY = millis(5_000);

/** An edge: everything it is made of, and in which order it begins and ends. */
export async function startEdge(settings: EdgeSettings, surroundings: EdgeSurroundings): Promise<EdgeNode> {
  refuseOpenIngest(settings);
  const edge = edgeNameOf(settings, surroundings.hostName);
  const ui = await loadUiFiles(surroundings.uiFolder);
  const scope = new Scope();
  try {
    const dataDir = await lockDataDir(settings.dataDir);
    scope.defer(() => dataDir.release());
    const clock = new SystemClock();
    const metrics = createMetrics('livemix_edge_', { process: true });
    const events = edgeEvents(surroundings.log, metrics, clock);
    const bounds = {
      windowDuration: settings.spoolSeconds,
      maxSpoolBytes: settings.spoolBytes,
      maxSources: MAX_SOURCES,
    };
    const sources = await Sources.open(join(dataDir.path, 'spool'), bounds, await bootId(), clock, events);
    scope.defer(() => sources.close());
    const backlog = new BacklogWatch(settings.spoolBytes, clock, events.backlogGrows);
    const watching = clock.every(WATCH_EVERY, () => {
      backlog.look(sources.backlogBytes);
      void sources.spool.isAlive(clock.now());
    });
    scope.defer(() => watching.cancel());
    metrics.gauge('recording_backlog_bytes', 'Bytes that recordings wait for', [], (gauge) =>
      gauge.set(sources.backlogBytes),
    );
    metrics.gauge('spool_bytes', 'Media in the spool', [], (gauge) => gauge.set(sources.spool.bytes));

    const uplink = createUplink(settings, edge, sources, clock, events, surroundings);
    scope.defer(() => uplink?.close());
    const presence = new Presence(clock);
    const agents = httpAgents(clock);
    scope.defer(() => {
      agents.http.destroy();
      agents.https.destroy();
    });
    const ingest: Ingest = {
      sources,
      clock,
      events,
      agents,
      allowed: { roots: settings.mediaRoots, origins: settings.mediaOrigins },
      maxSegmentBytes: MAX_SEGMENT_BYTES,
      isWatched: (name) => presence.isWatched(name, sources.find(name)?.targetDuration ?? 0),
    };
    const pushes = new Pushes(clock, MAX_SEGMENT_BYTES, sources.spool);
    scope.defer(() => pushes.close());
    await pushes.restore([...sources.all].map(({ name }) => name));
    const routes: EdgeRoutes = {
      ingest: {
        ingest,
        pushes,
        rate: new PlaylistRate(clock),
        token: settings.ingestToken,
        changed: () => uplink?.reportSoon(),
      },
      lan: new LanHost(sources, presence, clock, events.requestFailed),
      sources,
      uplink,
      edge,
      metrics,
      ui,
    };
    const server = await startHttpServer({
      listen: settings.listen,
      clock,
      handle: (request, response) => answerEdge(routes, request, response),
      beforeBody: (request, response) => refuseBeforeBody(routes, request, response),
      mayFlow: (request) => pushes.isStream(request),
      onProblem: (problem) => {
        if (problem.kind === 'handlerFailed') events.requestFailed(problem.requestId, problem.error);
        if (problem.kind === 'slowReaderCut') events.slowReaderCut(problem.peer);
      },
    });
    scope.defer(() => server.close(CLOSE_GRACE));
    const inputs = createInputs(ingest, server.url, settings, uplink, surroundings);
    scope.defer(() => inputs.close());
    uplink?.start();
    events.started(server.url, (settings.controlUrl ?? []).map(String), settings.mediaRoots);
    if (surroundings.sources !== undefined) await inputs.configure(surroundings.sources);
    return {
      url: server.url,
      connected: () => uplink?.connected ?? false,
      configure: (configured) => inputs.configure(configured),
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

function createUplink(
  { controlUrl, edgeToken, spoolBytes, uplinkRate }: EdgeSettings,
  edge: string,
  sources: Sources,
  clock: SystemClock,
  events: EdgeEvents,
  { version, onFailure }: EdgeSurroundings,
): Uplink | undefined {
  if (controlUrl === undefined) return undefined;
  const to = {
    controls: controlUrl,
    edge,
    token: edgeToken,
    version,
    maxSpoolBytes: spoolBytes,
    rate: uplinkRate,
  };
  return new Uplink(sources, to, clock, events, onFailure);
}

function createInputs(
  ingest: Ingest,
  url: string,
  { ingestToken, ffmpeg }: EdgeSettings,
  uplink: Uplink | undefined,
  { onFailure, environment }: EdgeSurroundings,
): Inputs {
  const { sources, clock, events } = ingest;
  const tools: InputTools = {
    ingest,
    clock,
    events,
    edge: { url, ingestToken },
    inTrouble: (source, trouble) => {
      events.inputInTrouble(source, trouble);
      sources.inTrouble(source, trouble);
      uplink?.reportSoon();
    },
    outOfTrouble: (source) => {
      sources.find(source)?.outOfTrouble(isInputTrouble);
      uplink?.reportSoon();
    },
    inLastingTrouble: (name, trouble) => {
      if (trouble !== undefined) events.inputInTrouble(name, trouble);
      const source = sources.find(name);
      if (source !== undefined) source.lasting = trouble;
      uplink?.reportSoon();
    },
    ffmpeg: new FfmpegProgram(ffmpeg, ffmpegEnvironment(environment, new URL(url).hostname)),
    changed: () => uplink?.reportSoon(),
    onFailure,
  };
  return new Inputs(tools, (source) =>
    isWanted(source, {
      forwarded: uplink?.forwards(source.name) ?? false,
      watched: ingest.isWatched(source.name),
      now: clock.now(),
    }),
  );
}

function refuseOpenIngest({ listen, ingestToken }: EdgeSettings): void {
  if (isLoopback(listen.host) || ingestToken !== undefined) return;
  throw new SettingsError(
    'LIVEMIX_LISTEN',
    `${listen.host} is reachable from other machines, so encoders must show a token: set LIVEMIX_INGEST_TOKEN, or listen on 127.0.0.1.`,
  );
}

function edgeNameOf({ edgeName }: EdgeSettings, hostName: string): string {
  const name = edgeName ?? hostName.replace(/[^A-Za-z0-9._-]/g, '-').slice(0, 64);
  if (NAME_PATTERN.test(name)) return name;
  throw new SettingsError(
    'LIVEMIX_EDGE_NAME',
    'An edge’s name has 1 to 64 letters, digits, dots, dashes or underscores and begins with a letter or digit.',
  );
}
