import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerUiFile, loadUiFiles, PAGE_SECURITY_POLICY } from './ui-files.ts';

const INDEX = `<!doctype html>${'<p>page</p>'.repeat(50)}`;
const SCRIPT = 'export const page = 1;'.repeat(50);

describe('the files of the web page', () => {
  let folder: string;
  let ask: (method: string, path: string, headers?: Record<string, string>) => Promise<Answer>;
  let close: () => void;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livemix-ui-'));
    await mkdir(join(folder, 'assets'));
    await writeFile(join(folder, 'index.html'), INDEX);
    await writeFile(join(folder, 'assets', 'index-abc123.js'), SCRIPT);
    await writeFile(join(folder, 'assets', 'tiny-abc123.svg'), '<svg/>');
    const files = await loadUiFiles(folder);
    const server = createServer((request, response) => {
      const path = request.url!.split('?')[0]!;
      if (!answerUiFile(files, request, response, path)) response.writeHead(404).end('no file');
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    ask = (method, path, headers = {}) => exchange(port, method, path, headers);
    close = () => server.close();
  });

  afterAll(async () => {
    close();
    await rm(folder, { recursive: true });
  });

  test('the page is at / and is asked for anew each time', async () => {
    const page = await ask('GET', '/?from=mail');
    expect(page.status).toBe(200);
    expect(page.body.toString()).toBe(INDEX);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['cache-control']).toBe('no-cache');
  });

  test('what carries a hash in its name is kept for ever', async () => {
    const script = await ask('GET', '/assets/index-abc123.js');
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  });

  test('a browser that has the page is told so', async () => {
    const { etag } = (await ask('GET', '/')).headers;
    for (const known of [etag!, `W/${etag}`, `"other", ${etag}`]) {
      const again = await ask('GET', '/', { 'if-none-match': known });
      expect(again.status).toBe(304);
      expect(again.body.length).toBe(0);
      expect(again.headers['content-security-policy']).toBe(PAGE_SECURITY_POLICY);
    }
    expect((await ask('GET', '/', { 'if-none-match': '"other"' })).status).toBe(200);
  });

  test('bytes are zipped for those who take it, under an ETag of their own', async () => {
    const plain = await ask('GET', '/assets/index-abc123.js');
    const zipped = await ask('GET', '/assets/index-abc123.js', { 'accept-encoding': 'br, gzip;q=0.8' });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(zipped.headers['vary']).toBe('Accept-Encoding');
    expect(plain.headers['vary']).toBe('Accept-Encoding');
    expect(zipped.body.length).toBeLessThan(plain.body.length);
    expect(gunzipSync(zipped.body).toString()).toBe(SCRIPT);
    expect(zipped.headers.etag).not.toBe(plain.headers.etag);
  });

  test.each(['identity', 'gzip;q=0', 'gzip;q=0.0', 'x-gzip-like'])('not for %s', async (coding) => {
    const answer = await ask('GET', '/', { 'accept-encoding': coding });
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(answer.body.toString()).toBe(INDEX);
  });

  test('a file that zipping makes no smaller is sent as it is', async () => {
    const icon = await ask('GET', '/assets/tiny-abc123.svg', { 'accept-encoding': 'gzip' });
    expect(icon.headers['content-encoding']).toBeUndefined();
    expect(icon.body.toString()).toBe('<svg/>');
  });

  test('HEAD tells the length and sends nothing', async () => {
    const head = await ask('HEAD', '/');
    expect(head.headers['content-length']).toBe(String(INDEX.length));
    expect(head.body.length).toBe(0);
  });

  test('every answer carries the security headers', async () => {
    for (const path of ['/', '/assets/index-abc123.js', '/assets/tiny-abc123.svg']) {
      expect((await ask('GET', path)).headers).toMatchObject({
        'content-security-policy': PAGE_SECURITY_POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      });
    }
  });

  test.each([
    ['GET', '/index.html.bak'],
    ['GET', '/assets/'],
    ['GET', '/assets/../index.html'],
    ['GET', '/..%2findex.html'],
    ['GET', '//index.html'],
    ['GET', '/__proto__'],
    ['POST', '/'],
    ['DELETE', '/assets/index-abc123.js'],
  ])('%s %s is left to others', async (method, path) => {
    expect((await ask(method, path)).body.toString()).toBe('no file');
  });

  test('a page that was never built is said so', async () => {
    await expect(loadUiFiles(join(folder, 'nowhere'))).rejects.toThrow('npm run build');
    await expect(loadUiFiles(join(folder, 'assets'))).rejects.toThrow('npm run build');
  });
});

type Answer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
};

/** One request, its path sent as it stands: `fetch` would tidy it first and unzip the answer. */
function exchange(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false });
    request.on('error', reject);
    request.on('response', async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) });
    });
    request.end();
  });
}
