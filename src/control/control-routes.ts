import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { LiveMixError } from '../media/error.ts';
import { answerText } from '../runtime/answer.ts';
import { showsToken } from '../runtime/bearer.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { answerMetrics } from '../serve/answer-metrics.ts';
import { answerLive, type LiveHost } from '../serve/live-routes.ts';
import { pathOf } from '../serve/path.ts';
import { answerUiFile, type UiFiles } from '../serve/ui-files.ts';
import { answerUpload, type Receiver } from './live/receive.ts';
import { answerKeep, type KeepRoutes } from './recordings/keep-routes.ts';
import { answerReplay, type ReplayRoutes } from './replay/replay-routes.ts';

export type ControlRoutes = {
  readonly live: LiveHost;
  readonly receiver: Receiver;
  readonly keep: KeepRoutes;
  readonly replay: ReplayRoutes;
  readonly api: FastifyInstance;
  readonly edgeToken: string | undefined;
  readonly metrics: Metrics;
  readonly ui: UiFiles;
  /** Whether this node can do its work now. */
  readonly isReady: () => boolean;
};

/** Every request to control. Viewers and uploads come first and never see the framework. */
export function answerControl(
  routes: ControlRoutes,
  request: IncomingMessage,
  response: ServerResponse,
): void | Promise<void> {
  const path = pathOf(request);
  if (answerLive(routes.live, request, response, path)) return;
  if (path.startsWith('/recordings/')) return answerRecording(routes, request, response, path);
  if (path.startsWith('/edge/v1/')) return answerEdgeRequest(routes, request, response, path);
  if (path.startsWith('/v1/')) return routes.api.routing(request, response);
  return answerOther(routes, request, response, path);
}

/** Whether an edge may speak to this node at all. Throws `unauthorized`. */
export function refuseStrangeEdge(request: IncomingMessage, edgeToken: string | undefined): void {
  if (edgeToken === undefined || showsToken(request, edgeToken, { basic: false })) return;
  throw new LiveMixError('unauthorized', 'Control takes edges only with its edge token.', {
    hint: 'Start the edge with the LIVEMIX_EDGE_TOKEN of control.',
  });
}

async function answerEdgeRequest(
  routes: ControlRoutes,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  refuseStrangeEdge(request, routes.edgeToken);
  if (await answerUpload(routes.receiver, request, response, path)) return;
  if (await answerKeep(routes.keep, request, response, path)) return;
  throw new LiveMixError('not_found', 'There is nothing at this address for an edge.');
}

async function answerRecording(
  { replay }: ControlRoutes,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  await answerReplay(replay, request, response, path);
}

async function answerOther(
  routes: ControlRoutes,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    throw new LiveMixError('method_not_allowed', 'This can only be read.');
  }
  switch (path) {
    case '/healthz':
      return answerText(response, 200, 'ok\n');
    case '/readyz':
      return routes.isReady()
        ? answerText(response, 200, 'ready\n')
        : answerText(response, 503, 'not ready\n');
    case '/metrics':
      return answerMetrics(routes.metrics, request, response);
  }
  if (answerUiFile(routes.ui, request, response, path)) return;
  throw new LiveMixError('not_found', 'There is no such page.');
}
