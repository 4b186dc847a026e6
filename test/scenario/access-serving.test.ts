import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange, rawClient } from '../../src/runtime/raw-client-for-test.ts';
import { Rig } from '../support/rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start({ encoder: { duration: 4 } });
  await rig.encoder.publish(6);
  await rig.until('the source appears', () => rig.source());
});
afterAll(() => rig[Symbol.asyncDispose]());

const plain = { 'Accept-Encoding': 'identity' };
async function ask(url: string, init: RequestInit = {}) {
  const response = await fetch(url, { ...init, headers: { ...plain, ...init.headers } });
  const body = Buffer.from(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, body };
}
const codeOf = (body: Buffer) => (JSON.parse(body.toString()) as { code: string }).code;

describe.each([
  ['control', () => rig.control.url],
  ['the edge on its LAN', () => rig.edge.url],
])('%s', (_, node) => {
  let list: string;
  let segment: string;
  let bytes: Buffer;
  beforeAll(async () => {
    list = `${node()}/live/${rig.encoder.source}/index.m3u8`;
    const text = (await ask(list)).body.toString();
    const uris = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    segment = new URL(uris.at(-1)!, list).href;
    bytes = rig.encoder.made.at(-1)!;
  });

  test('a playlist says what it is, who may read it and how long it may be kept', async () => {
    const { status, headers, body } = await ask(list);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/vnd.apple.mpegurl');
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    expect(headers.get('content-length')).toBe(String(body.length));
    const target = Number(/TARGETDURATION:(\d+)/.exec(body.toString())![1]);
    expect(target).toBe(4);
    const age = /max-age=(\d+)/.exec(headers.get('cache-control')!);
    expect(Number(age?.[1])).toBeLessThanOrEqual(target / 2);
    expect(headers.get('age')).toBeNull();
  });

  test('a segment says that it is for ever', async () => {
    const { status, headers, body } = await ask(segment);
    expect(status).toBe(200);
    expect(body.equals(bytes)).toBe(true);
    expect(headers.get('content-type')).toBe('video/mp2t');
    expect(headers.get('cache-control')).toMatch(/max-age=\d{6,}.*immutable/);
    expect(headers.get('etag')).toMatch(/^".+"$/);
    expect(headers.get('accept-ranges')).toBe('bytes');
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    const url = new URL(segment).pathname;
    expect(url).toMatch(/^\/m\/camera-0\/main\/\d+-[A-Za-z0-9_-]{22}\.ts$/);
  });

  test('HEAD is GET without a body, and knows no Range', async () => {
    for (const url of [list, segment]) {
      const [got, head] = [await ask(url), await ask(url, { method: 'HEAD' })];
      expect(head.status).toBe(200);
      expect(head.body).toHaveLength(0);
      for (const name of ['content-type', 'content-length', 'etag', 'cache-control'])
        expect(head.headers.get(name)).toBe(got.headers.get(name));
    }
    const ranged = await ask(segment, { method: 'HEAD', headers: { Range: 'bytes=0-9' } });
    expect(ranged.status).toBe(200);
    expect(ranged.headers.get('content-length')).toBe(String(bytes.length));
  });

  test.each([
    ['bytes=0-99', 0, 100],
    ['bytes=100-', 100, undefined],
    ['bytes=-50', -50, undefined],
    ['bytes=0-9007199254740991', 0, undefined],
  ])('Range %s (T39)', async (range, from, to) => {
    const { status, headers, body } = await ask(segment, { headers: { Range: range } });
    expect(status).toBe(206);
    const wanted = bytes.subarray(from, to);
    expect(body.equals(wanted)).toBe(true);
    const first = from < 0 ? bytes.length + from : from;
    expect(headers.get('content-range')).toBe(`bytes ${first}-${first + wanted.length - 1}/${bytes.length}`);
    expect(headers.get('etag')).toBe((await ask(segment)).headers.get('etag'));
  });

  test('a Range outside is refused with the length (T39)', async () => {
    const { status, headers, body } = await ask(segment, { headers: { Range: `bytes=${bytes.length}-` } });
    expect([status, codeOf(body)]).toEqual([416, 'range_not_satisfiable']);
    expect(headers.get('content-range')).toBe(`bytes */${bytes.length}`);
  });

  test.each(['bytes=0-1,5-6', 'items=0-1', 'bytes=9-1', 'nonsense'])(
    'Range %s is ignored (T39)',
    async (range) => {
      const { status, body } = await ask(segment, { headers: { Range: range } });
      expect([status, body.length]).toEqual([200, bytes.length]);
    },
  );

  test('If-Range: the part where it is the same, else the whole', async () => {
    const etag = (await ask(segment)).headers.get('etag')!;
    const Range = 'bytes=0-9';
    expect((await ask(segment, { headers: { Range, 'If-Range': etag } })).status).toBe(206);
    expect((await ask(segment, { headers: { Range, 'If-Range': '"other"' } })).status).toBe(200);
  });

  test('If-None-Match: 304 without a body where it is known', async () => {
    for (const url of [list, segment]) {
      const etag = (await ask(url)).headers.get('etag')!;
      for (const known of [etag, '*', `W/${etag}`, `"other", ${etag}`]) {
        const { status, headers, body } = await ask(url, { headers: { 'If-None-Match': known } });
        expect([known, status, body.length]).toEqual([known, 304, 0]);
        expect(headers.get('etag')).toBe(etag);
      }
      expect((await ask(url, { headers: { 'If-None-Match': '"other"' } })).status).toBe(200);
    }
  });

  test('a playlist is zipped for those who take it, a segment for nobody', async () => {
    const { hostname, port, pathname } = new URL(list);
    const client = await rawClient(Number(port), hostname);
    client.send(
      `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n`,
    );
    const answer = await client.closed();
    expect(answer).toMatch(/\r\nContent-Encoding: gzip\r\n/i);
    expect(answer).toMatch(/\r\nVary: Accept-Encoding\r\n/i);
    const zipped = Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1');
    expect(gunzipSync(zipped).toString()).toBe((await ask(list)).body.toString());
    const refused = await ask(list, { headers: { 'Accept-Encoding': 'gzip;q=0' } });
    expect(refused.headers.get('content-encoding')).toBeNull();
    const media = await ask(segment, { headers: { 'Accept-Encoding': 'gzip' } });
    expect(media.headers.get('content-encoding')).toBeNull();
  });

  test('another origin may ask first', async () => {
    const headers = { Origin: 'https://example.org', 'Access-Control-Request-Headers': 'range' };
    const { status, headers: said } = await ask(segment, { method: 'OPTIONS', headers });
    expect(status).toBe(204);
    expect(said.get('access-control-allow-origin')).toBe('*');
    expect(said.get('access-control-allow-headers')).toMatch(/range/i);
    expect(said.get('access-control-allow-credentials')).toBeNull();
  });

  test('a segment is found by its exact name only', async () => {
    const name = new URL(segment).pathname;
    const [sequence, digest] = /(\d+)-([^.]+)\.ts$/.exec(name)!.slice(1) as [string, string];
    const other = digest.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'));
    for (const wrong of [
      name.replace(digest, other),
      name.replace(digest, digest.slice(1)),
      name.replace('.ts', '.mp4'),
      name.replace('.ts', ''),
      name.replace(`${sequence}-`, `${Number(sequence) - 1}-`),
      name.replace(`${sequence}-`, `0${sequence}-`),
      name.replace('camera-0', 'camera-1'),
      name.replace('/main/', '/other/'),
      `${name}/more`,
      '/m/camera-0/main/',
      '/m/camera-0/main/../../../etc/passwd',
      '/m/',
    ]) {
      const { status } = await ask(`${node()}${wrong}`);
      expect([wrong, status]).toEqual([wrong, 404]);
    }
  });

  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('media cannot be changed: %s (T40)', async (method) => {
    for (const url of [list, segment]) {
      const { status, headers, body } = await ask(url, { method });
      expect([status, codeOf(body)]).toEqual([405, 'method_not_allowed']);
      expect(headers.get('allow')).toMatch(/GET.*HEAD/);
    }
  });

  test.each([
    ['two Host headers', 'GET /healthz HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\n\r\n', 400],
    ['no Host header', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
    ['TRACE', 'TRACE /healthz HTTP/1.1\r\nHost: HOST\r\n\r\n', 405],
    ['a target for another host', 'GET http://example.org/healthz HTTP/1.1\r\nHost: HOST\r\n\r\n', 421],
    [
      'HTTP/1.0 with Transfer-Encoding',
      'GET /healthz HTTP/1.0\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    [
      'Content-Length and Transfer-Encoding',
      'POST /v1/playlist HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /^HTTP\/1.1 (505|400)/],
    ['a header of 20 KB', `GET /healthz HTTP/1.1\r\nHost: HOST\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
  ])('%s is refused (threats 2.4)', async (_name, text, status) => {
    const { host, port } = new URL(node());
    const answer = await exchange(Number(port), text.replaceAll('HOST', host));
    expect(answer).toMatch(typeof status === 'number' ? new RegExp(`^HTTP/1.1 ${status} `) : status);
  });

  test('it is alive and ready, and its metrics are not for those behind a proxy', async () => {
    expect((await ask(`${node()}/healthz`)).status).toBe(200);
    expect((await ask(`${node()}/readyz`)).status).toBe(200);
    const metrics = await ask(`${node()}/metrics`);
    expect(metrics.status).toBe(200);
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(metrics.body.toString()).toMatch(/^# HELP livemix_/m);
    const forwarded = await ask(`${node()}/metrics`, { headers: { 'X-Forwarded-For': '10.0.0.1' } });
    expect(forwarded.status).toBe(404);
  });

  test('the API is for no other origin', async () => {
    const { headers } = await ask(`${node()}/v1/sources`, { headers: { Origin: 'https://example.org' } });
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });
});
