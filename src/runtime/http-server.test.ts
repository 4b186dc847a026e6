import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { LiveMixError } from '../media/error.ts';
import { bytes, millis } from '../media/units.ts';
import { answerJson, answerText } from './answer.ts';
import { SystemClock } from './clock.ts';
import { type HttpProblem, type HttpServer, type HttpServerOptions, startHttpServer } from './http-server.ts';
import { exchange, rawClient } from './raw-client-for-test.ts';
import { SettingsError } from './settings-error.ts';

let open: HttpServer[] = [];
let problems: HttpProblem[] = [];

afterEach(async () => {
  await Promise.all(open.map((server) => server.close(millis(0))));
  open = [];
  problems = [];
});

const echo = (request: IncomingMessage, response: ServerResponse) =>
  answerJson(response, 200, { url: request.url, method: request.method });

async function start(options: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  const server = await startHttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    handle: echo,
    clock: new SystemClock(),
    onProblem: (problem) => problems.push(problem),
    ...options,
  });
  open.push(server);
  return server;
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
const fields = (count: number) => Array.from({ length: count }, (_, index) => `X-${index}: y\r\n`).join('');

describe('a request that waits for 100 Continue', () => {
  const head = 'PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n';

  test('is told to go on, and handled', async () => {
    const seen: unknown[] = [];
    const { port } = await start({ beforeBody: (request) => void seen.push(request.url) });
    const client = await rawClient(port);
    client.send(head);
    await client.until(/^HTTP\/1\.1 100 Continue\r\n/);
    client.send('ok');
    expect(await client.until(/"method":"PUT"/)).toContain('HTTP/1.1 200 OK');
    expect(seen).toEqual(['/a']);
  });

  test('is answered without its body where it is refused', async () => {
    const { port } = await start({
      beforeBody: (_request, response) => {
        response.setHeader('WWW-Authenticate', ['Bearer realm="x"', 'Basic realm="x"']);
        throw new LiveMixError('unauthorized', 'who are you');
      },
    });
    const answer = await exchange(port, head);
    expect(statusOf(answer)).toBe(401);
    expect(answer).toMatch(/WWW-Authenticate: Bearer realm="x"\r\nWWW-Authenticate: Basic realm="x"\r\n/);
    expect(answer).toContain('Connection: close');
  });
});

describe('a request', () => {
  test('is handled, and the connection stays for more', async () => {
    const { port, connections } = await start();
    const client = await rawClient(port);
    for (let turn = 1; turn <= 3; turn++) {
      client.send(`GET /${turn} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await client.until(new RegExp(`"/${turn}"`));
    }
    expect(connections()).toBe(1);
    client.socket.destroy();
    await vi.waitFor(() => expect(connections()).toBe(0));
  });

  const refusals: [name: string, request: string, status: number][] = [
    ['two Host headers', 'GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n', 400],
    ['no Host header', 'GET / HTTP/1.1\r\n\r\n', 400],
    [
      'HTTP/1.0 with Transfer-Encoding',
      'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['HTTP/0.9', 'GET /\r\n\r\n', 505],
    ['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n', 505],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
    ['TRACE', 'TRACE / HTTP/1.1\r\nHost: a\r\n\r\n', 405],
    ['65 header fields', `GET / HTTP/1.1\r\nHost: a\r\n${fields(64)}\r\n`, 431],
    ['3,000 header fields', `GET / HTTP/1.1\r\nHost: a\r\n${'a:\r\n'.repeat(1500)}\r\n`, 431],
    ['a header of more than 8 KiB', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(9000)}\r\n\r\n`, 431],
    ['a target on another host', 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n', 421],
    ['a target that is no path', 'GET x HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['* of a GET', 'GET * HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    [
      'length and chunks',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n', 400],
    ['a bare CR', 'GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n', 400],
    ['NUL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n', 400],
    ['an unknown method', 'BREW / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00', 400],
  ];
  test.each(refusals)('with %s is refused and the connection closed', async (_, request, status) => {
    const handle = vi.fn(echo);
    const { port } = await start({ handle });
    const answer = await exchange(port, request);
    expect(statusOf(answer), answer).toBe(status);
    expect(answer).toMatch(/\r\nconnection: close\r\n/i);
    expect(answer).toContain('application/problem+json');
    expect(JSON.parse(answer.split('\r\n\r\n')[1]!)).toMatchObject({ code: expect.any(String) });
    expect(handle).not.toHaveBeenCalled();
    expect(problems).toEqual([{ kind: 'requestRefused', peer: '127.0.0.1', status }]);
  });

  test('TRACE is told what is allowed; CONNECT is closed without a word', async () => {
    const { port } = await start();
    expect(await exchange(port, 'TRACE / HTTP/1.1\r\nHost: a\r\n\r\n')).toMatch(/\r\nAllow: GET, HEAD/);
    expect(await exchange(port, 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n')).toBe('');
  });

  test('with an unknown Expect is told 417', async () => {
    const { port } = await start();
    const client = await rawClient(port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\nExpect: nonsense\r\n\r\n');
    await client.until(/^HTTP\/1\.1 417/);
    client.socket.destroy();
  });

  const welcome: [name: string, request: string, url: string][] = [
    ['64 header fields', `GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields(62)}\r\n`, '/x'],
    [
      'its own address as target',
      'GET HTTP://A:80/x?y HTTP/1.1\r\nHost: a:80\r\nConnection: close\r\n\r\n',
      '/x?y',
    ],
    [
      'its own address without a path',
      'GET http://a?y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      '/?y',
    ],
    ['*', 'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', '*'],
    ['HTTP/1.0 and no Host', 'GET /x HTTP/1.0\r\n\r\n', '/x'],
    ['a __proto__ header', 'GET /x HTTP/1.1\r\nHost: a\r\n__proto__: y\r\nConnection: close\r\n\r\n', '/x'],
    [
      'an upgrade that nobody takes',
      'GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: y\r\nConnection: upgrade, close\r\n\r\n',
      '/x',
    ],
  ];
  test.each(welcome)('with %s is served', async (_, request, url) => {
    const { port } = await start();
    const answer = await exchange(port, request);
    expect(statusOf(answer), answer).toBe(200);
    expect(answer).toContain(JSON.stringify(url));
  });
});

describe('a handler that fails', () => {
  const failures: [name: string, handle: HttpServerOptions['handle']][] = [
    [
      'throws',
      () => {
        throw new Error('secret path /srv');
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret path /srv'))],
  ];
  test.each(failures)('and %s is answered with 500 that says nothing of it', async (_, handle) => {
    const { port } = await start({ handle });
    const answer = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(statusOf(answer)).toBe(500);
    expect(answer).not.toContain('secret');
    const { requestId } = JSON.parse(answer.split('\r\n\r\n')[1]!) as { requestId: string };
    expect(problems).toEqual([{ kind: 'handlerFailed', requestId, error: expect.any(Error) }]);
  });

  test('with an error of ours is answered with it', async () => {
    const { port } = await start({
      handle: () => Promise.reject(new LiveMixError('busy', 'full', { retryAfter: 2 })),
    });
    const answer = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(statusOf(answer)).toBe(503);
    expect(answer).toMatch(/\r\nRetry-After: 2\r\n/);
    expect(problems).toEqual([]);
  });

  test('in the middle of an answer cuts the connection', async () => {
    const { port } = await start({
      handle: (_, response) => {
        response.writeHead(200, { 'Content-Length': 100 });
        response.write('half');
        throw new Error('no more');
      },
    });
    const answer = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(answer.split('\r\n\r\n')[1] ?? '').not.toHaveLength(100);
  });
});

describe('a connection', () => {
  const limits = { headers: millis(150), request: millis(300), checkEvery: millis(50) };
  const slow: [name: string, beginning: string][] = [
    ['a silent connection', ''],
    ['half a header', 'GET / HTTP/1.1\r\nHost: a\r\n'],
    ['half a body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf'],
    [
      'an endless chunk',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFED\r\nx',
    ],
  ];
  test.each(slow)('%s is answered 408 and closed', async (_, beginning) => {
    const { port } = await start({ limits, handle: (request) => void request.resume() });
    expect(statusOf(await exchange(port, beginning))).toBe(408);
  });

  test('that waits too long for its next request is closed', async () => {
    const { port } = await start({ limits: { keepAlive: millis(1) } });
    const answer = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(statusOf(answer)).toBe(200);
  });

  test('beyond the greatest number is closed and counted', async () => {
    const { port } = await start({ limits: { connections: 2 } });
    const first = await rawClient(port);
    const second = await rawClient(port);
    const third = await rawClient(port);
    expect(await third.closed()).toBe('');
    expect(problems).toEqual([{ kind: 'connectionRefused', peer: '127.0.0.1', reason: 'total' }]);
    first.socket.destroy();
    second.socket.destroy();
  });

  test('of loopback is not bound by the number per address: a proxy speaks for many', async () => {
    const { port, connections } = await start({ limits: { connectionsPerAddress: 1 } });
    const clients = [await rawClient(port), await rawClient(port)];
    await vi.waitFor(() => expect(connections()).toBe(2));
    for (const { socket } of clients) socket.destroy();
  });
});

describe('an upgrade', () => {
  const request = 'GET /edge/v1/link HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n';

  test('is given to its owner, and destroyed when the server closes', async () => {
    const server = await start({
      onUpgrade: (_, socket) => void socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\nhello'),
    });
    const client = await rawClient(server.port);
    client.send(`${request}\r\n`);
    await client.until(/hello/);
    expect(server.connections()).toBe(1);
    await server.close(millis(60_000));
    await client.closed();
  });

  test('passes the same checks', async () => {
    const onUpgrade = vi.fn();
    const { port } = await start({ onUpgrade });
    expect(statusOf(await exchange(port, `${request}Host: b\r\n\r\n`))).toBe(400);
    expect(onUpgrade).not.toHaveBeenCalled();
  });
});

describe('closing', () => {
  test('ends idle and silent connections at once and lets a running response finish', async () => {
    const held: ServerResponse[] = [];
    const server = await start({
      handle: (request, response) => {
        if (request.url === '/held') held.push(response);
        else answerText(response, 200, 'quick');
      },
    });
    const silent = await rawClient(server.port);
    const idle = await rawClient(server.port);
    idle.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await idle.until(/quick/);
    const running = await rawClient(server.port);
    running.send('GET /held HTTP/1.1\r\nHost: a\r\n\r\n');
    await vi.waitFor(() => expect(held).toHaveLength(1));

    const closing = server.close(millis(60_000));
    await Promise.all([silent.closed(), idle.closed()]);
    await expect(rawClient(server.port)).rejects.toThrow(/ECONNREFUSED/);
    answerText(held[0]!, 200, 'finished');
    expect(await running.closed()).toMatch(/finished$/);
    await closing;
    expect(server.connections()).toBe(0);
  });

  test('destroys what is still running when the grace is over', async () => {
    const handle = vi.fn();
    const server = await start({ handle });
    const client = await rawClient(server.port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await vi.waitFor(() => expect(handle).toHaveBeenCalled());
    const startedAt = performance.now();
    await server.close(millis(100));
    expect(performance.now() - startedAt).toBeGreaterThan(90);
    expect(await client.closed()).toBe('');
  });
});

describe('listening', () => {
  test('an address in use is an error of the setting', async () => {
    const { port } = await start();
    const again = start({ listen: { host: '127.0.0.1', port } });
    await expect(again).rejects.toBeInstanceOf(SettingsError);
    await expect(again).rejects.toThrow(
      `LIVEMIX_LISTEN: 127.0.0.1:${port} is in use by another program. Stop it or choose another port; 0 lets the system choose.`,
    );
  });

  test('so is one that this machine does not have', async () => {
    await expect(
      start({ listen: { host: '192.0.2.1', port: 0 }, settingName: '--edge-listen' }),
    ).rejects.toThrow(/^--edge-listen: 192\.0\.2\.1:0 is no address of this machine\./);
  });

  test('the URL can be opened also where the host is a wildcard', async () => {
    const server = await start({ listen: { host: '0.0.0.0', port: 0 } });
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
    expect((await fetch(server.url)).status).toBe(200);
  });

  test('a header of the standard size needs no more than the limit given', async () => {
    const { port } = await start({ limits: { headerBytes: bytes(1024) } });
    expect(
      statusOf(await exchange(port, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(2000)}\r\n\r\n`)),
    ).toBe(431);
  });
});
