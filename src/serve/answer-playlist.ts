import type { IncomingMessage, ServerResponse } from 'node:http';
import { isKnown, takesGzip } from './conditions.ts';
import type { RenderedPlaylist } from './rendered-playlist.ts';

/** RFC 8216 §4. */
const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';

/** Answers GET and HEAD with a playlist: gzip where it is taken, 304 where it is known. */
export function answerPlaylist(
  request: IncomingMessage,
  response: ServerResponse,
  playlist: RenderedPlaylist,
): void {
  const { headers } = request;
  const shared = [
    'Content-Type',
    PLAYLIST_TYPE,
    'Cache-Control',
    playlist.cacheControl,
    'ETag',
    playlist.etag,
    'Access-Control-Allow-Origin',
    '*',
    'Vary',
    'Accept-Encoding',
  ];
  if (headers['if-none-match'] !== undefined && isKnown(headers['if-none-match'], playlist.etag)) {
    response.writeHead(304, shared);
    response.end();
    return;
  }
  const zipped = headers['accept-encoding'] !== undefined && takesGzip(headers['accept-encoding']);
  const body = zipped ? playlist.gzip() : playlist.text;
  if (zipped) shared.push('Content-Encoding', 'gzip');
  shared.push('Content-Length', String(body.length));
  response.writeHead(200, shared);
  response.end(request.method === 'HEAD' ? undefined : body);
}
