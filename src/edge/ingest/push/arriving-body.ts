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
  #maxBytes: number;
  #inHurry = false;
  #end: 'whole' | Error | undefined;
  #wake = (): void => undefined;
  #begin: () => void = () => undefined;
  /** Resolves with its first byte. */
  readonly begun = new Promise<void>((resolve) => {
    this.#begin = resolve;
  });

  constructor(
    request: IncomingMessage,
    private readonly maxSegmentBytes: number,
  ) {
    this.#maxBytes = maxSegmentBytes;
    request.on('data', (chunk: Buffer) => {
      if (this.#end !== undefined) return;
      this.#bytes += chunk.length;
      this.#begin();
      if (this.#bytes > this.#maxBytes) {
        request.pause();
        this.#ended(new LiveMixError('too_large', `The segment has more than ${maxSegmentBytes} bytes.`));
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

  /** Nothing of it has come. */
  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /** Segments were cut out of it, up to there: it may be as much longer. */
  cutThrough(end: number): void {
    this.#maxBytes = Math.max(this.#maxBytes, end + this.maxSegmentBytes);
  }

  /** Whether segments are cut out of it: it goes on for as long as its encoder. */
  get isCut(): boolean {
    return this.#maxBytes > this.maxSegmentBytes;
  }

  /** Somebody waits for a part of it: no batch waits to be full any more. */
  hurry(): void {
    this.#inHurry = true;
    this.#wake();
  }

  /**
   * Each chunk once, in order, the very Buffers that the socket gave. Throws `ClientGone` where the encoder went in the
   * middle, `too_large` where it is too long.
   */
  async *batches(): AsyncGenerator<readonly Buffer[]> {
    for (;;) {
      if (this.#inHurry && this.#full.length === 0 && this.#filling.length > 0) this.#batchIsFull();
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
    const isFull = this.#fillingBytes >= BATCH_BYTES || this.#filling.length >= BATCH_CHUNKS;
    if (isFull) this.#batchIsFull();
    if (isFull || this.#inHurry) this.#wake();
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
