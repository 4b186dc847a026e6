import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Prng } from './seed.ts';

/** What a store in trouble answers instead of doing what it was asked. */
const WRONG = ['500', '503', '429', 'reset', 'cut', 'lost'] as const;

/**
 * An HTTP proxy before a real S3 that answers wrongly while it is told to: errors, resets before and in the middle of
 * an answer, and puts that are done but whose answer is lost.
 */
export class WrongAnswers implements AsyncDisposable {
  readonly #server = createServer((request, response) => this.#pass(request, response));
  #share = 0;
  /** Requests that were answered wrongly. */
  count = 0;

  private constructor(
    private readonly target: URL,
    private readonly prng: Prng,
  ) {}

  static async start(target: string, prng: Prng): Promise<WrongAnswers> {
    const proxy = new WrongAnswers(new URL(target), prng);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** @param share of requests that go wrong from now on, 0 to 1 */
  goWrong(share: number): void {
    this.#share = share;
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const wrong = this.prng.chance(this.#share) ? this.prng.pick(WRONG) : undefined;
    if (wrong !== undefined) this.count += 1;
    if (wrong === 'reset') {
      request.socket.resetAndDestroy();
      return;
    }
    if (wrong === '500' || wrong === '503' || wrong === '429') {
      request.resume();
      response.writeHead(Number(wrong), { 'Content-Type': 'application/xml' });
      response.end('<Error><Code>SlowDown</Code></Error>');
      return;
    }
    const { hostname, port } = this.target;
    // The signature covers the Host header that the client sent.
    const { method, url: path, headers } = request;
    const onward = httpRequest({ hostname, port, method, path, headers }, (answer) => {
      if (wrong === 'lost') {
        answer.resume().on('end', () => request.socket.resetAndDestroy());
        return;
      }
      response.writeHead(answer.statusCode!, answer.headers);
      if (wrong === 'cut') answer.once('data', () => request.socket.resetAndDestroy());
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
