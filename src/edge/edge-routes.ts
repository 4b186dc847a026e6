import type { IncomingMessage, ServerResponse } from 'node:http';
import { LiveMixError } from '../media/error.ts';
import { answerJson, answerText } from '../runtime/answer.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { answerMetrics } from '../serve/answer-metrics.ts';
import { answerLive } from '../serve/live-routes.ts';
import { pathOf } from '../serve/path.ts';
import { answerUiFile, type UiFiles } from '../serve/ui-files.ts';
import { answerIngest, isIngestPath } from './ingest/ingest-routes.ts';
import { type IngestRoutes, refuseStranger } from './ingest/take-playlist.ts';
import type { LanHost } from './lan/lan-host.ts';
import type { Sources } from './sources.ts';
import type { Uplink } from './uplink/uplink.ts';

export type EdgeRoutes = {
  readonly ingest: IngestRoutes;
  readonly lan: LanHost;
  readonly sources: Sources;
  readonly uplink: Uplink | undefined;
  readonly edge: string;
  readonly metrics: Metrics;
  readonly ui: UiFiles;
};

/** Every request to an edge: encoders, viewers on the LAN, the page, operators. */
export async function answerEdge(
  routes: EdgeRoutes,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = pathOf(request);
  if (answerLive(routes.lan, request, response, path)) return;
  if (await answerIngest(routes.ingest, request, response, path)) return;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw new LiveMixError('not_found', 'There is nothing of that name to change on an edge.');
  }
  switch (path) {
    case '/healthz':
      return answerText(response, 200, 'ok\n');
    case '/readyz':
      return answerText(response, 200, 'ready\n');
    case '/metrics':
      return answerMetrics(routes.metrics, request, response);
    case '/v1/sources':
      return answerJson(response, 200, listSources(routes));
  }
  if (answerUiFile(routes.ui, request, response, path)) return;
  throw new LiveMixError('not_found', 'There is no such page.');
}

/**
 * Refuses an encoder that shows nothing and asks before it sends its body: ffmpeg with the token in its URL does so, and
 * shows the token only when the answer is a 401. A wrong token is refused, and told of, where all of them are.
 */
export function refuseBeforeBody(
  { ingest }: EdgeRoutes,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (request.headers.authorization !== undefined) return;
  if (isIngestPath(pathOf(request))) refuseStranger(ingest, request, response);
}

/** The same shape as control's list, for the page; what is not known here is left out. */
function listSources({ sources, uplink, lan, edge }: EdgeRoutes) {
  const known = [...sources.all].map((source) => {
    const owner = uplink?.ownerOf(source.name);
    const trouble =
      source.trouble ??
      (owner === undefined
        ? undefined
        : {
            code: 'source_taken',
            detail: `The edge ${owner} owns this name.`,
            hint: 'Rename one of the two.',
          });
    return {
      name: source.name,
      edge,
      state: source.sending ? 'live' : source.standsBy ? 'idle' : 'offline',
      viewers: lan.presence.viewers(source.name, source.targetDuration),
      ingestedBytes: source.ingestedBytes,
      forwardedBytes: source.forwardedBytes,
      lastSegmentAt: source.lastSegmentAt === undefined ? null : new Date(source.lastSegmentAt).toISOString(),
      ...(trouble !== undefined && { trouble }),
    };
  });
  const refused = [...sources.refused].map(([name, trouble]) => ({
    name,
    edge,
    state: 'offline',
    viewers: 0,
    ingestedBytes: 0,
    forwardedBytes: 0,
    lastSegmentAt: null,
    trouble,
  }));
  return [...known, ...refused].sort((a, b) => a.name.localeCompare(b.name));
}
