import type { IncomingMessage } from 'node:http';
import { LiveMixError } from '../media/error.ts';

const allowed = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/** Headers that go with a refusal. */
export const refusalHeaders = (error: LiveMixError): Record<string, string> => ({
  Connection: 'close',
  ...(error.code === 'method_not_allowed' ? { Allow: allowed } : {}),
});

/**
 * What is wrong with a request that Node's parser let through, or `undefined`. Every request passes here, so the
 * usual one costs a look at its header names. An absolute-form target is turned into its path.
 */
export function faultOf(request: IncomingMessage, maxFields: number): LiveMixError | undefined {
  if (request.httpVersionMajor !== 1 || request.httpVersionMinor > 1) {
    return new LiveMixError('http_version', 'only HTTP/1.0 and HTTP/1.1 are spoken here');
  }
  const { rawHeaders } = request;
  // Counted here: Node drops fields beyond its own count in silence, an Authorization among them.
  if (rawHeaders.length > 2 * maxFields) {
    return new LiveMixError('header_fields_too_large', `more than ${maxFields} header fields`);
  }
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (name.length === 4 && (name === 'Host' || name === 'host' || name.toLowerCase() === 'host'))
      hosts += 1;
  }
  if (hosts !== 1 && (hosts > 1 || request.httpVersionMinor === 1)) {
    return new LiveMixError('bad_request', hosts === 0 ? 'no Host header' : 'two Host headers');
  }
  if (request.httpVersionMinor === 0 && request.headers['transfer-encoding'] !== undefined) {
    return new LiveMixError('bad_request', 'Transfer-Encoding in an HTTP/1.0 request');
  }
  if (request.method === 'TRACE') return new LiveMixError('method_not_allowed', 'TRACE is not allowed');
  return request.url?.charCodeAt(0) === slash ? undefined : otherTarget(request);
}

const slash = 0x2f;

/** A target that is no path: `*` of OPTIONS, or an absolute one (RFC 9112, 3.2). */
function otherTarget(request: IncomingMessage): LiveMixError | undefined {
  const target = request.url ?? '';
  if (target === '*' && request.method === 'OPTIONS') return undefined;
  const found = /^https?:\/\/([^/?#]*)(.*)$/i.exec(target);
  if (found === null) return new LiveMixError('bad_request', 'the target is neither a path nor an address');
  const [, authority, rest] = found as unknown as [string, string, string];
  if (authority.toLowerCase() !== request.headers.host?.toLowerCase()) {
    return new LiveMixError('misdirected', 'the target and the Host header name two hosts');
  }
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  return undefined;
}
