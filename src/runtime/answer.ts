import { randomBytes } from 'node:crypto';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type LiveMixError, problem } from '../media/error.ts';

/** Answers with JSON that no cache keeps, unless `headers` say otherwise. */
export function answerJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(value), headers);
}

/** Answers with plain text that no cache keeps, unless `headers` say otherwise. */
export function answerText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: OutgoingHttpHeaders = {},
): void {
  send(response, status, 'text/plain; charset=utf-8', text, headers);
}

/**
 * Answers with an error (RFC 9457). Where the head is already out nothing true can be said any more: the connection
 * is cut, so that the client sees a broken answer and not a short one. Where a body has not been read to its end the
 * connection closes after the answer: Node would read on and throw it away. A 401 asks for a Bearer token where its
 * handler has not set another `WWW-Authenticate`.
 */
export function answerProblem(
  response: ServerResponse,
  error: LiveMixError,
  id: string,
  headers: OutgoingHttpHeaders = {},
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const retryAfter = error.retryAfter === undefined ? {} : { 'Retry-After': Math.ceil(error.retryAfter) };
  const challenged = error.status !== 401 || response.hasHeader('WWW-Authenticate');
  const challenge = challenged ? {} : { 'WWW-Authenticate': 'Bearer realm="livemix"' };
  const closing = hasUnreadBody(response) ? { Connection: 'close' } : {};
  const body = JSON.stringify(problem(error, id));
  send(response, error.status, 'application/problem+json', body, {
    ...retryAfter,
    ...challenge,
    ...closing,
    ...headers,
  });
}

/** What tells one request from another in logs and problems: 12 random characters. */
export const requestId = (): string => randomBytes(9).toString('base64url');

function hasUnreadBody({ req }: ServerResponse): boolean {
  const length = req.headers['content-length'];
  const announced =
    (length !== undefined && length !== '0') || req.headers['transfer-encoding'] !== undefined;
  return announced && !req.complete;
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
  headers: OutgoingHttpHeaders,
): void {
  // Encoders go without waiting for the answer; Node makes an Error with its stack for each write that comes too late.
  if (response.destroyed) return;
  const body = Buffer.from(text);
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  // Node leaves out the body of an answer to HEAD by itself.
  response.end(body);
}
