import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify';
import { z } from 'zod';
import { sourceModes } from '../../catalog/catalog.ts';
import { LiveMixError, problem } from '../../media/error.ts';
import { KIB } from '../../media/units.ts';
import { requestId } from '../../runtime/answer.ts';
import { showsToken } from '../../runtime/bearer.ts';
import type { Presence } from '../../serve/presence.ts';
import { StoreFailed } from '../../store/object-store.ts';
import type { EdgeLinks } from '../edges/edge-links.ts';
import type { Demand } from '../live/demand.ts';
import type { Sources } from '../sources/sources.ts';
import { addRecordings, type RecordingsApiParts } from './recordings-api.ts';
import { edgeView, sourceView } from './source-view.ts';

export type ApiParts = {
  readonly sources: Sources;
  readonly links: EdgeLinks;
  readonly demand: Demand;
  readonly presence: Presence;
  readonly recordings: RecordingsApiParts;
  readonly adminToken: string | undefined;
  readonly requestFailed: (requestId: string, error: unknown) => void;
};

const sourceChange = z.strictObject({ mode: z.enum(sourceModes) });

/** The JSON API for operators and the page. It answers requests that `control-routes` hands it. */
export async function createApi(parts: ApiParts): Promise<FastifyInstance> {
  const api = fastify({
    logger: false,
    bodyLimit: 64 * KIB,
    genReqId: requestId,
    forceCloseConnections: false,
  });
  const { sources, links, demand, presence } = parts;
  // A form of another site can send text/plain without asking.
  api.removeContentTypeParser('text/plain');

  api.addHook('onRequest', async (request, reply) => {
    reply.header('Cache-Control', 'no-store').header('X-Content-Type-Options', 'nosniff');
    refuseStranger(request, parts.adminToken);
    refuseForgery(request);
  });
  api.setErrorHandler((error, request, reply) => {
    const known = asLiveMixError(error);
    if (known.code === 'internal') parts.requestFailed(request.id, error);
    if (known.status === 401) reply.header('WWW-Authenticate', 'Bearer realm="livemix"');
    if (known.retryAfter !== undefined) reply.header('Retry-After', known.retryAfter);
    return reply
      .code(known.status)
      .type('application/problem+json')
      .send(JSON.stringify(problem(known, request.id)));
  });
  api.setNotFoundHandler(() => {
    throw new LiveMixError('not_found', 'There is nothing at this address.');
  });

  api.get('/v1/sources', () => sources.all.map((source) => sourceView(source, presence)));
  api.get<{ Params: { name: string } }>('/v1/sources/:name', ({ params }) =>
    sourceView(sources.get(params.name), presence),
  );
  api.patch<{ Params: { name: string } }>('/v1/sources/:name', async ({ params, body }) => {
    const source = sources.get(params.name);
    const { mode } = readChange(body);
    await sources.setMode(source, mode);
    demand.review(source);
    return sourceView(source, presence);
  });
  api.delete<{ Params: { name: string } }>('/v1/sources/:name', async ({ params }, reply) => {
    const source = sources.get(params.name);
    await parts.recordings.recordings.stopAllOf(source.name);
    await sources.delete(source);
    demand.forget(source);
    links.tellAll();
    return reply.code(204).send();
  });
  api.get('/v1/edges', () => [...links.all].map(edgeView));
  addRecordings(api, parts.recordings);
  await api.ready();
  return api;
}

/** Reading is free until there is an access model; changing something needs the token where one is set. */
function refuseStranger(request: FastifyRequest, token: string | undefined): void {
  if (request.method === 'GET' || request.method === 'HEAD') return;
  if (token === undefined || showsToken(request.raw, token, { basic: false })) return;
  throw new LiveMixError('unauthorized', 'This needs the administrator token.', {
    hint: 'Send `Authorization: Bearer` with LIVEMIX_ADMIN_TOKEN.',
  });
}

/**
 * Without logins a browser on this machine may change something, so another site must not make it do so: a body says
 * that it is JSON, which no form can, and a browser says where the request comes from: with Sec-Fetch-Site, or, where it is old or
 * the page came over plain HTTP from another machine, with Origin alone. Who says neither is no browser.
 */
function refuseForgery({ method, headers }: FastifyRequest): void {
  if (method === 'GET' || method === 'HEAD') return;
  const site = headers['sec-fetch-site'];
  const isOwn = site === undefined ? isOwnOrigin(headers) : site === 'same-origin' || site === 'none';
  if (!isOwn) throw new LiveMixError('csrf', 'Another site asks for this.');
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (hasBody && !/^application\/json\b/.test(headers['content-type'] ?? '')) {
    throw noJson();
  }
}

/** Whether the page that asks was had from here, as far as that is said. */
function isOwnOrigin({ origin, host = '' }: FastifyRequest['headers']): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

const noJson = () =>
  new LiveMixError('wrong_type', 'The body must be application/json.', {
    hint: 'Send `Content-Type: application/json`.',
  });

function readChange(body: unknown): z.infer<typeof sourceChange> {
  const read = sourceChange.safeParse(body);
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  if (issue?.code === 'unrecognized_keys') {
    throw new LiveMixError('unknown_field', `There is no field ${issue.keys[0]}.`);
  }
  throw new LiveMixError('bad_mode', 'The body is { "mode": "on-demand" | "always" | "off" }.');
}

/** What fastify itself refuses (a body that is no JSON, too large …) in our own words. */
function asLiveMixError(error: unknown): LiveMixError {
  if (error instanceof LiveMixError) return error;
  if (error instanceof StoreFailed) {
    return new LiveMixError('store_unavailable', 'The object store does not answer.', { retryAfter: 2 });
  }
  const status = (error as { statusCode?: number }).statusCode;
  if (status === 413) return new LiveMixError('body_too_large', 'The body is larger than 64 KiB.');
  if (status === 415) return noJson();
  if (status !== undefined && status < 500) return new LiveMixError('bad_request', (error as Error).message);
  return new LiveMixError('internal', 'The request failed.');
}
