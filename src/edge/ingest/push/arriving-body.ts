import type { IncomingMessage } from 'node:http';
import { LiveMixError } from '../../../media/error.ts';
import { KIB } from '../../../media/units.ts';
import { ClientGone } from '../../../runtime/request-body.ts';

/**
 * Few large writes cost less than many small ones: a batch has as many bytes, or chunks, unless it is the last. What
 * comes in tiny chunks is written as fast as it can come: each is an object, and many of them would cost memory.
 */
const BATCH_BYTES = 256 * KIB;
const BATCH_CHUNKS = 1_024;

/**
 * The body of a push as it comes. The socket is never held up: ffmpeg closes it right behind the last byte, and Node
 * throws away what has not been read of a request whose connection is closed. Made in the same turn as the request.
 */
export class ArrivingBody {
  readonly #full: (readonly Buffer[])[] = [];
  #filling: Buffer[] = [];
  #fillingBytes = 0;
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
      this.#add(chunk);
    });
    request.on('end', () => this.#ended('whole'));
    const gone = () => {
      if (this.#end === undefined) this.#ended(new ClientGone());
    };
    request.on('close', gone);
    request.on('error', gone);
  }

  /**
   * Each chunk once, in order, the very Buffers that the socket gave. Throws `ClientGone` where the encoder went in the
   * middle, `too_large` where it is too long.
   */
  async *batches(): AsyncGenerator<readonly Buffer[]> {
    for (;;) {
      const batch = this.#full.shift();
      if (batch !== undefined) yield batch;
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
      for await (const _ of this.batches());
    } catch {
      // Whoever sent it is gone, or sends too much.
    }
  }

  #add(chunk: Buffer): void {
    this.#filling.push(chunk);
    this.#fillingBytes += chunk.length;
    if (this.#fillingBytes < BATCH_BYTES && this.#filling.length < BATCH_CHUNKS) return;
    this.#batchIsFull();
    this.#wake();
  }

  #batchIsFull(): void {
    this.#full.push(this.#filling);
    this.#filling = [];
    this.#fillingBytes = 0;
  }

  #ended(how: 'whole' | Error): void {
    if (this.#end !== undefined) return;
    this.#end = how;
    if (this.#filling.length > 0) this.#batchIsFull();
    this.#wake();
  }
}
