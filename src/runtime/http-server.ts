import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { LiveMixError } from '../media/error.ts';
import type { Millis } from '../media/units.ts';
import { answerProblem, requestId } from './answer.ts';
import type { Clock } from './clock.ts';
import { faultOf, refusalHeaders } from './http-checks.ts';
import { closeHttpServer } from './http-close.ts';
import { type HttpLimits, standardHttpLimits } from './http-limits.ts';
import { answerParserError, answerRaw } from './raw-answer.ts';
import { ClientGone } from './request-body.ts';
import { type HostPort, isLoopback } from './setting-types.ts';
import { SettingsError } from './settings-error.ts';
import { SlowReaders } from './slow-readers.ts';
import { SlowSenders } from './slow-senders.ts';
import { currentResponse } from './socket-progress.ts';

export type { HttpLimits } from './http-limits.ts';

/** What went wrong with a connection or a request, for logs and counters. */
export type HttpProblem =
  | { readonly kind: 'slowReaderCut'; readonly peer: string; readonly pendingBytes: number }
  | { readonly kind: 'longResponseCut'; readonly peer: string; readonly pendingBytes: number }
  | { readonly kind: 'connectionRefused'; readonly peer: string; readonly reason: 'total' | 'address' }
  | { readonly kind: 'requestRefused'; readonly peer: string; readonly status: number }
  | { readonly kind: 'handlerFailed'; readonly error: unknown; readonly requestId: string };

export type HttpServerOptions = {
  readonly listen: HostPort;
  /**
   * Answers a request that passed the checks. A `LiveMixError` that it throws or rejects with is answered as its
   * problem, anything else with 500.
   */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;
  /**
   * Looks at a request that waits for `100 Continue` (RFC 9110 §10.1.1) before it sends its body. What it throws is
   * the answer, and the body is never sent; without it every such request is told to go on.
   */
  readonly beforeBody?: (request: IncomingMessage, response: ServerResponse) => void;
  readonly clock: Clock;
  readonly limits?: Partial<HttpLimits>;
  readonly onProblem?: (problem: HttpProblem) => void;
  /** Without it, a request to upgrade is handled as a plain one. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Whether a response may last longer than `limits.response`: downloads of a whole file. */
  readonly mayTakeLong?: (request: IncomingMessage) => boolean;
  /** Whether a request may last longer than `limits.request` as long as something of it comes: bodies that are a stream. */
  readonly mayFlow?: (request: IncomingMessage) => boolean;
  /** What the message of a failed start names. Default `LIVEMIX_LISTEN`. */
  readonly settingName?: string;
};

export type HttpServer = {
  /** `http://127.0.0.1:8080`, without a slash at the end. A wildcard host is written as loopback. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly server: Server;
  connections(): number;
  /** Stops accepting, ends idle connections at once, gives running responses `grace`, then destroys the rest. */
  close(grace: Millis): Promise<void>;
};

/** Listens with bounds for hostile clients, or throws `SettingsError` when the address cannot be had. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { clock, handle, beforeBody, onUpgrade, onProblem = () => {} } = options;
  const limits: HttpLimits = { ...standardHttpLimits, ...options.limits };
  const sockets = new Set<Socket>();
  const upgraded = new Set<Socket>();
  const server = createServer({
    headersTimeout: limits.headers,
    requestTimeout: 0, // `SlowSenders` looks at that.
    connectionsCheckingInterval: limits.checkEvery,
    keepAliveTimeout: limits.keepAlive,
    maxHeaderSize: limits.headerBytes,
    requireHostHeader: false, // `faultOf` asks for it, and answers with a problem.
    insecureHTTPParser: false,
  });
  server.maxHeadersCount = 0; // `faultOf` counts and refuses; Node would drop fields in silence.
  // Players and edges keep one connection for hours: closing it after so many requests would cost them a handshake
  // (and a proxy a failed request) and bound nothing, since a client may open the next one.
  server.maxRequestsPerSocket = 0;
  server.maxConnections = limits.connections;

  const refused = (socket: Socket, status: number) =>
    onProblem({ kind: 'requestRefused', peer: peerOf(socket), status });

  server.on('connection', (socket) => {
    if (exceedsAddressLimit(sockets, socket, limits.connectionsPerAddress)) {
      onProblem({ kind: 'connectionRefused', peer: peerOf(socket), reason: 'address' });
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      upgraded.delete(socket);
    });
  });
  server.on('drop', (from) => {
    onProblem({ kind: 'connectionRefused', peer: from?.remoteAddress ?? '', reason: 'total' });
  });
  const slowSenders = new SlowSenders({
    clock,
    limits,
    mayFlow: options.mayFlow,
    cut: (socket) =>
      server.emit('clientError', Object.assign(new Error('late'), { code: REQUEST_TIMEOUT }), socket),
  });
  const answer = (request: IncomingMessage, response: ServerResponse, waits: boolean) => {
    slowSenders.watch(request);
    const fault = faultOf(request, limits.headerFields);
    if (fault !== undefined) {
      refused(request.socket, fault.status);
      answerProblem(response, fault, requestId(), refusalHeaders(fault));
      return;
    }
    if (!server.listening) response.shouldKeepAlive = false;
    try {
      if (waits) {
        beforeBody?.(request, response);
        response.writeContinue();
      }
      const running = handle(request, response);
      if (running instanceof Promise) running.catch((error) => fail(response, error, onProblem));
    } catch (error) {
      fail(response, error, onProblem);
    }
  };
  server.on('request', (request, response) => answer(request, response, false));
  server.on('checkContinue', (request, response) => answer(request, response, true));
  server.on('clientError', (error: NodeJS.ErrnoException, duplex) => {
    const socket = duplex as Socket;
    if (!socket.writable || error.code === 'ECONNRESET' || currentResponse(socket)?.headersSent) {
      socket.destroy();
    } else {
      refused(socket, answerParserError(socket, error));
    }
  });
  if (onUpgrade !== undefined) {
    server.on('upgrade', (request, duplex, head) => {
      const socket = duplex as Socket;
      const fault = faultOf(request, limits.headerFields);
      if (fault !== undefined) {
        refused(socket, fault.status);
        answerRaw(socket, fault);
        return;
      }
      // From here on the connection keeps its owner's rules, not those of requests.
      sockets.delete(socket);
      upgraded.add(socket);
      onUpgrade(request, socket, head);
    });
  }

  const { host, port } = await listen(server, options.listen, options.settingName ?? 'LIVEMIX_LISTEN');
  const slowReaders = new SlowReaders({
    clock,
    limits,
    sockets,
    mayTakeLong: options.mayTakeLong,
    cut: (socket, why) =>
      onProblem({
        kind: why === 'stalled' ? 'slowReaderCut' : 'longResponseCut',
        peer: peerOf(socket),
        pendingBytes: socket.writableLength,
      }),
  });
  return {
    url: `http://${urlHost(host)}:${port}`,
    host,
    port,
    server,
    connections: () => sockets.size + upgraded.size,
    async close(grace) {
      await closeHttpServer({ server, sockets, upgraded, clock, grace });
      slowReaders.stop();
      slowSenders.stop();
    },
  };
}

/** Node's own, of its deadline for headers. */
const REQUEST_TIMEOUT = 'ERR_HTTP_REQUEST_TIMEOUT';

const peerOf = (socket: Socket): string => socket.remoteAddress ?? '';

/** Loopback has no bound: a proxy on this machine speaks for all its clients. */
function exceedsAddressLimit(sockets: Set<Socket>, socket: Socket, limit: number): boolean {
  const address = peerOf(socket);
  if (limit === 0 || sockets.size < limit || isLoopback(address)) return false;
  let others = 0;
  for (const other of sockets) if (other.remoteAddress === address) others += 1;
  return others >= limit;
}

function fail(response: ServerResponse, error: unknown, onProblem: (problem: HttpProblem) => void): void {
  if (error instanceof ClientGone) {
    response.destroy();
    return;
  }
  const id = requestId();
  if (error instanceof LiveMixError && error.code !== 'internal') {
    answerProblem(response, error, id);
    return;
  }
  onProblem({ kind: 'handlerFailed', error, requestId: id });
  answerProblem(response, new LiveMixError('internal', 'the request could not be answered'), id);
}

/** Resolves with where the server listens. */
function listen(server: Server, at: HostPort, settingName: string): Promise<HostPort> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(listenError(error, at, settingName));
    server.once('error', failed);
    server.listen({ host: at.host, port: at.port }, () => {
      server.off('error', failed);
      const { address, port } = server.address() as AddressInfo;
      resolve({ host: address, port });
    });
  });
}

function listenError(error: NodeJS.ErrnoException, at: HostPort, settingName: string): SettingsError {
  const place = `${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`;
  const problems: Readonly<Record<string, string>> = {
    EADDRINUSE: `${place} is in use by another program. Stop it or choose another port; 0 lets the system choose.`,
    EACCES: `${place} may not be used by this user. Choose a port above 1023.`,
    EADDRNOTAVAIL: `${place} is no address of this machine. Choose 127.0.0.1, 0.0.0.0 or one that it has.`,
    ENOTFOUND: `The host of ${place} is not known. Write an IP address of this machine.`,
    EAI_AGAIN: `The host of ${place} cannot be looked up. Write an IP address of this machine.`,
  };
  const problem =
    problems[error.code ?? ''] ?? `${place} cannot be listened on (${error.code}). Choose another.`;
  return new SettingsError(settingName, problem, { cause: error });
}

function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
