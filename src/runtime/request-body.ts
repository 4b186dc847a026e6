import type { IncomingMessage } from 'node:http';
import { LiveMixError } from '../media/error.ts';
import { type Bytes, bytes, KIB, type Millis, millis } from '../media/units.ts';
import type { Clock } from './clock.ts';

/** The client went away before the end of its body: there is nobody to answer. */
export class ClientGone extends Error {
  constructor(detail = 'the client went away before the end of its body') {
    super(detail);
    this.name = 'ClientGone';
  }
}

/** The client sent its body too slowly and was cut: there is nobody to answer. */
export class ClientTooSlow extends ClientGone {
  constructor(detail: string) {
    super(detail);
    this.name = 'ClientTooSlow';
  }
}

/** How fast a body must come, on average, once it has been coming for `after`. */
export type MinRate = {
  readonly clock: Clock;
  /** Default 16 KiB. */
  readonly bytesPerSecond?: Bytes;
  /** Default 10 s. */
  readonly after?: Millis;
  /** How often it is looked at. Default 1 s. */
  readonly checkEvery?: Millis;
};

export type BodyLimits = {
  readonly maxBytes: number;
  readonly minRate?: MinRate;
};

/**
 * The whole body. Throws `LiveMixError('body_too_large')` as soon as it is known to exceed `maxBytes` (the caller
 * answers and closes; at most 64 KiB beyond the limit are read), `ClientGone` when the client goes before the end.
 */
export function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const { maxBytes, minRate } = limits;
  const announced = request.headers['content-length'];
  const length = announced === undefined ? undefined : Number(announced);
  const tooLarge = () => new LiveMixError('body_too_large', `more than ${maxBytes} bytes`);
  if (length !== undefined && length > maxBytes) return Promise.reject(tooLarge());
  if (request.destroyed && !request.complete) return Promise.reject(new ClientGone());

  return new Promise((resolve, reject) => {
    const body = new GatheredBody(length ?? Math.min(maxBytes, firstChunkedBytes));
    const stopWatching = minRate && watchRate(minRate, () => body.received, tooSlow);
    request.on('data', take);
    request.on('end', end);
    request.on('close', gone);
    request.on('error', gone);

    function take(chunk: Buffer) {
      if (body.received + chunk.length > maxBytes) {
        request.pause();
        finish();
        reject(tooLarge());
      } else {
        body.add(chunk);
      }
    }
    function end() {
      finish();
      resolve(body.whole());
    }
    function gone() {
      finish();
      reject(new ClientGone());
    }
    function tooSlow(detail: string) {
      finish();
      request.destroy();
      reject(new ClientTooSlow(detail));
    }
    function finish() {
      stopWatching?.();
      request.off('data', take);
      request.off('end', end);
      request.off('close', gone);
      request.off('error', gone);
      request.on('error', ignored); // A late reset has nobody to tell.
    }
  });
}

const ignored = () => {};

const firstChunkedBytes = 64 * KIB;

/**
 * The bytes so far, in one buffer. With a known length each is copied once, to its place; the buffer of a chunked body
 * doubles. (Chunks are never kept themselves: a million of one byte each would cost 100 MB.)
 */
class GatheredBody {
  #buffer: Buffer;
  received = 0;

  constructor(length: number) {
    // The pool of `allocUnsafe` would keep 8 KiB alive for a small body.
    this.#buffer = Buffer.allocUnsafeSlow(length);
  }

  add(chunk: Buffer): void {
    const needed = this.received + chunk.length;
    if (needed > this.#buffer.length) this.#moveTo(Math.max(needed, 2 * this.#buffer.length));
    this.received += chunk.copy(this.#buffer, this.received);
  }

  whole(): Buffer {
    if (this.received < this.#buffer.length) this.#moveTo(this.received);
    return this.#buffer;
  }

  #moveTo(length: number): void {
    const larger = Buffer.allocUnsafeSlow(length);
    this.#buffer.copy(larger, 0, 0, this.received);
    this.#buffer = larger;
  }
}

/** Calls back once when fewer bytes than the rate have come. Returns what ends it. */
function watchRate(rate: MinRate, received: () => number, tooSlow: (detail: string) => void): () => void {
  const {
    clock,
    bytesPerSecond = bytes(16 * KIB),
    after = millis(10_000),
    checkEvery = millis(1_000),
  } = rate;
  const startedAt = clock.monotonic();
  const timer = clock.every(checkEvery, () => {
    const took = clock.monotonic() - startedAt;
    if (took < after || received() >= (bytesPerSecond * took) / 1000) return;
    timer.cancel();
    tooSlow(`${received()} bytes of the body in ${Math.round(took / 1000)} s`);
  });
  return () => timer.cancel();
}
