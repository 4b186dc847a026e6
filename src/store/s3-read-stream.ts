import { Readable } from 'node:stream';
import { s3Failure } from './s3-failure.ts';

/**
 * What a store sends. Its errors are `StoreFailed`, and wait for whoever begins to read; `over` is called when it
 * has ended, in whatever way.
 */
export class S3ReadStream extends Readable {
  readonly #body: Readable;
  readonly #over: () => void;
  #isRead = false;
  #failure: Error | undefined;

  constructor(body: Readable, over: () => void) {
    super();
    this.#body = body;
    this.#over = over;
    body.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) body.pause();
    });
    body.on('end', () => this.push(null));
    body.on('error', (error) => this.#fail(error));
    body.on('close', () => {
      if (!body.readableEnded) this.#fail(new Error('the connection ended'));
    });
    body.pause();
  }

  override _read(): void {
    this.#isRead = true;
    if (this.#failure !== undefined) this.destroy(this.#failure);
    else this.#body.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#body.destroy();
    this.#over();
    done(error);
  }

  #fail(error: Error): void {
    this.#failure ??= s3Failure(error);
    if (this.#isRead) this.destroy(this.#failure);
    else this.#over();
  }
}
