import type { IncomingMessage } from 'node:http';
import { LiveMixError } from '../../../media/error.ts';
import { ClientGone } from '../../../runtime/request-body.ts';

/**
 * The body of a push as it comes. The socket is never held up: ffmpeg closes it right behind the last byte, and Node
 * throws away what has not been read of a request whose connection is closed. Made in the same turn as the request.
 */
export class ArrivingBody {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #end: 'whole' | Error | undefined;
  #wake = (): void => undefined;

  constructor(request: IncomingMessage, maxBytes: number) {
    request.on('data', (chunk: Buffer) => {
      if (this.#end !== undefined) return;
      this.#bytes += chunk.length;
      if (this.#bytes > maxBytes) {
        request.pause();
        this.#ended(new LiveMixError('too_large', `The segment has more than ${maxBytes} bytes.`));
        return;
      }
      this.#chunks.push(chunk);
      this.#wake();
    });
    request.on('end', () => this.#ended('whole'));
    request.on('close', () => this.#ended(new ClientGone()));
    request.on('error', () => this.#ended(new ClientGone()));
  }

  /** Each chunk once. Throws `ClientGone` where the encoder went in the middle, `too_large` where it is too long. */
  async *chunks(): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (this.#end === 'whole') return;
      else if (this.#end !== undefined) throw this.#end;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  /** Reads on to the end for the sake of whoever sends: an early answer would cost an encoder more than this segment. */
  async drain(): Promise<void> {
    try {
      for await (const _ of this.chunks());
    } catch {
      // Whoever sent it is gone, or sends too much.
    }
  }

  #ended(how: 'whole' | Error): void {
    this.#end ??= how;
    this.#wake();
  }
}
