import type { IncomingMessage, ServerResponse } from 'node:http';
import { LiveMixError } from '../media/error.ts';
import { mediaType } from '../media/segment-record.ts';
import { answerProblem, requestId } from '../runtime/answer.ts';
import { parseRange } from './byte-range.ts';
import { isKnown } from './conditions.ts';

/** A segment's URL means the same bytes for ever. */
const FOR_EVER = 'public, max-age=31536000, immutable';

/**
 * Answers GET and HEAD with a segment, whole or a single range. All readers are sent the same Buffer: it is
 * never copied, however many there are.
 */
export function answerSegment(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  name: { readonly digest: string; readonly extension: string },
): void {
  const { headers, method } = request;
  const etag = `"${name.digest}"`;
  const shared = [
    'Content-Type',
    mediaType(name.extension),
    'Cache-Control',
    FOR_EVER,
    'ETag',
    etag,
    'Accept-Ranges',
    'bytes',
    'Access-Control-Allow-Origin',
    '*',
    'Access-Control-Expose-Headers',
    'Content-Length, Content-Range, ETag',
    'X-Content-Type-Options',
    'nosniff',
  ];
  if (headers['if-none-match'] !== undefined && isKnown(headers['if-none-match'], etag)) {
    response.writeHead(304, shared);
    response.end();
    return;
  }
  // RFC 9110 §14.2: ranges are for GET.
  const whole = method !== 'GET' || (headers['if-range'] !== undefined && headers['if-range'] !== etag);
  const range = whole ? undefined : parseRange(headers.range, bytes.length);
  if (range === undefined) {
    shared.push('Content-Length', String(bytes.length));
    response.writeHead(200, shared);
    response.end(method === 'HEAD' ? undefined : bytes);
    return;
  }
  if (range === 'unsatisfiable') {
    const error = new LiveMixError('range_not_satisfiable', `The segment has ${bytes.length} bytes.`);
    answerProblem(response, error, requestId(), {
      'Content-Range': `bytes */${bytes.length}`,
      'Access-Control-Allow-Origin': '*',
    });
    return;
  }
  const part = bytes.subarray(range.first, range.last + 1);
  shared.push(
    'Content-Range',
    `bytes ${range.first}-${range.last}/${bytes.length}`,
    'Content-Length',
    String(part.length),
  );
  response.writeHead(206, shared);
  response.end(method === 'HEAD' ? undefined : part);
}
