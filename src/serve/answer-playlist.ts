import type { IncomingMessage, ServerResponse } from 'node:http';
import { isKnown, takesGzip } from './conditions.ts';
import type { RenderedPlaylist } from './rendered-playlist.ts';

/** Answers GET and HEAD with a playlist: gzip where it is taken, 304 where it is known. */
export function answerPlaylist(
  request: IncomingMessage,
  response: ServerResponse,
  playlist: RenderedPlaylist,
): void {
  const { headers } = request;
  if (headers['if-none-match'] !== undefined && isKnown(headers['if-none-match'], playlist.etag)) {
    response.writeHead(304, playlist.headers as string[]);
    response.end();
    return;
  }
  const zipped = headers['accept-encoding'] !== undefined && takesGzip(headers['accept-encoding']);
  const body = zipped ? playlist.gzip() : playlist.text;
  const own = ['Content-Length', String(body.length)];
  if (zipped) own.push('Content-Encoding', 'gzip');
  response.writeHead(200, playlist.headers.concat(own));
  response.end(request.method === 'HEAD' ? undefined : body);
}
