import type { IncomingMessage, ServerResponse } from 'node:http';
import { LiveMixError } from '../../media/error.ts';
import { isName } from '../../media/name.ts';
import { answerJson } from '../../runtime/answer.ts';
import { readBody } from '../../runtime/request-body.ts';
import { decodeKeepRequest } from '../../wire/keep.ts';
import { MAX_RECORDS_BYTES } from '../../wire/uplink.ts';
import type { EdgeLinks } from '../edges/edge-links.ts';
import { checkHead, edgeOf, type Uploads } from '../edges/uploads.ts';
import type { ControlEvents } from '../events.ts';
import type { Keeper } from './keeper.ts';

export type KeepRoutes = {
  readonly keeper: Keeper;
  readonly links: EdgeLinks;
  readonly uploads: Uploads;
  readonly events: ControlEvents;
};

/** Answers what edges bring for recordings; false for any other path. Rejects with `LiveMixError`. Its token has been checked. */
export async function answerKeep(
  routes: KeepRoutes,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<boolean> {
  const announced = /^\/edge\/v1\/keep\/([^/]+)\/([^/]+)$/.exec(path);
  const put = /^\/edge\/v1\/objects\/([A-Za-z0-9_-]{1,64})$/.exec(path);
  if (announced === null && put === null) return false;
  try {
    const edge = edgeOf(routes.links, request);
    if (announced !== null) {
      if (request.method !== 'POST') throw notAllowed('POST');
      await answerAnnounced(routes, request, response, edge, announced[1]!, announced[2]!);
    } else {
      if (request.method !== 'PUT') throw notAllowed('PUT');
      await answerPut(routes, request, response, edge, put![1]!);
    }
  } catch (error) {
    if (error instanceof LiveMixError) routes.events.uploadRefused(announced?.[1] ?? '', error.code);
    throw error;
  }
  return true;
}

async function answerAnnounced(
  { keeper }: KeepRoutes,
  request: IncomingMessage,
  response: ServerResponse,
  edge: string,
  source: string,
  rendition: string,
): Promise<void> {
  if (!isName(source) || !isName(rendition)) {
    throw new LiveMixError('source_not_yours', 'The edge does not own a source of that name.');
  }
  const body = await readBody(request, { maxBytes: MAX_RECORDS_BYTES });
  const announced = decodeKeepRequest(body.toString());
  if (announced === undefined)
    throw new LiveMixError('bad_record', 'A record is not what this version understands.');
  answerJson(response, 200, await keeper.announced(edge, { source, rendition }, announced));
}

async function answerPut(
  { keeper, uploads }: KeepRoutes,
  request: IncomingMessage,
  response: ServerResponse,
  edge: string,
  ticket: string,
): Promise<void> {
  const head = checkHead(request);
  keeper.refuseOther(ticket, edge, head);
  const content = await uploads.read(request, head);
  await keeper.received(ticket, edge, content);
  answerJson(response, 201, { stored: true });
}

const notAllowed = (method: string) => new LiveMixError('method_not_allowed', `This takes ${method}.`);
