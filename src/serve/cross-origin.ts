import type { IncomingMessage, ServerResponse } from 'node:http';
import { LiveMixError } from '../media/error.ts';
import { answerProblem, requestId } from '../runtime/answer.ts';

/**
 * Answers what is neither GET nor HEAD, for media that any page may read: cross-origin players ask first when they
 * send a Range header. False for GET and HEAD.
 */
export function answerOptions(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.method === 'GET' || request.method === 'HEAD') return false;
  if (request.method === 'OPTIONS') {
    response.writeHead(204, {
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS',
      'Access-Control-Allow-Headers': 'Range, If-None-Match',
      'Access-Control-Max-Age': '86400',
      Allow: 'GET, HEAD, OPTIONS',
    });
    response.end();
    return true;
  }
  const error = new LiveMixError('method_not_allowed', 'Media can only be read.');
  answerProblem(response, error, requestId(), { Allow: 'GET, HEAD, OPTIONS' });
  return true;
}
