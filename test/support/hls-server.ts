import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** One question that a server was asked. */
export type Asked = {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly authorization: string | undefined;
};

/** A camera that offers HLS on the web: a playlist at `/live/index.m3u8`, and below any folder the files of an encoder. */
export class HlsServer implements AsyncDisposable {
  readonly asked: Asked[] = [];
  /** What is answered otherwise, by path without query. */
  readonly odd = new Map<string, Answer>();
  playlist: () => string = () => '#EXTM3U\n';
  /** What the ETag tells beside the playlist’s text, as a time of writing does. */
  version: () => number = () => 0;
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response));

  private constructor(readonly folder: () => string) {}

  static async start(folder: () => string): Promise<HlsServer> {
    const server = new HlsServer(folder);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.origin}/live/index.m3u8`;
  }

  /** Questions for playlists. */
  get polls(): readonly Asked[] {
    return this.asked.filter(({ url }) => url.includes('.m3u8'));
  }

  /** The files that were read, each as often as it was. */
  get reads(): readonly string[] {
    const media = this.asked.filter(({ method, url }) => method === 'GET' && !url.includes('.m3u8'));
    return media.map(({ url }) => basename(pathOf(url)));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    const { authorization } = request.headers;
    response.on('close', () => this.asked.push({ method, url, status: response.statusCode, authorization }));
    const path = pathOf(url);
    const odd = this.odd.get(path);
    if (odd !== undefined) return odd(request, response);
    if (path === '/live/index.m3u8') return this.givePlaylist(request, response);
    return this.giveFile(request, response);
  }

  /** A file of the encoder's. */
  async giveFile({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const file = join(this.folder(), basename(pathOf(url)));
    const bytes = await readFile(file).catch(() => undefined);
    if (bytes === undefined) return void response.writeHead(404).end();
    const modified = (await stat(file)).mtime.toUTCString();
    response.writeHead(200, { 'Content-Length': bytes.length, 'Last-Modified': modified });
    response.end(method === 'HEAD' ? undefined : bytes);
  }

  /** The playlist, as a web server does that knows ETags. */
  givePlaylist(request: IncomingMessage, response: ServerResponse): void {
    this.giveText(request, response, this.playlist());
  }

  giveText(request: IncomingMessage, response: ServerResponse, text: string): void {
    const etag = `"${createHash('sha1').update(`${this.version()} ${text}`).digest('hex')}"`;
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end();
    response.writeHead(200, { ETag: etag, 'Content-Type': 'application/vnd.apple.mpegurl' }).end(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const pathOf = (url: string): string => new URL(url, 'http://any').pathname;
