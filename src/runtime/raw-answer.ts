import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { LiveMixError, problem } from '../media/error.ts';
import { requestId } from './answer.ts';
import { refusalHeaders } from './http-checks.ts';

/** Answers on a connection that has no response object, and closes it. */
export function answerRaw(socket: Duplex, error: LiveMixError): void {
  const body = JSON.stringify(problem(error, requestId()));
  const headers = {
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    ...refusalHeaders(error),
  };
  end(
    socket,
    error.status,
    Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join(''),
    body,
  );
}

/** Answers what Node's parser or its timers refused: 400, 408, 413, 431 or 505. Returns the status. */
export function answerParserError(socket: Duplex, error: NodeJS.ErrnoException): number {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      end(socket, 408, 'Connection: close\r\nContent-Length: 0\r\n', '');
      return 408;
    case 'HPE_HEADER_OVERFLOW':
      answerRaw(socket, new LiveMixError('header_fields_too_large', 'the header is too long'));
      return 431;
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      answerRaw(socket, new LiveMixError('body_too_large', 'the chunk extensions are too long'));
      return 413;
    case 'HPE_INVALID_VERSION':
    case 'HPE_PAUSED_H2_UPGRADE':
      answerRaw(socket, new LiveMixError('http_version', 'only HTTP/1.0 and HTTP/1.1 are spoken here'));
      return 505;
    default:
      answerRaw(socket, new LiveMixError('bad_request', 'this is not HTTP'));
      return 400;
  }
}

function end(socket: Duplex, status: number, headers: string, body: string): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}\r\n${body}`, () => socket.destroy());
}
