import { createHash } from 'node:crypto';
import { type Readable, Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ObjectFacts, ObjectMismatch } from './object-store.ts';

type Wanted = Pick<ObjectFacts, 'bytes' | 'digest'>;

/**
 * Passes a body on and looks at its length and digest meanwhile; fails with `ObjectMismatch`. It holds the last
 * chunk back until everything is known to be right, so that whoever was promised `bytes` bytes never gets all of a
 * wrong body.
 */
export class CheckedBody extends Transform {
  readonly #wanted: Wanted;
  readonly #hash = createHash('sha256');
  #passed = 0;
  #held: Buffer | undefined;

  constructor(wanted: Wanted) {
    super();
    this.#wanted = wanted;
  }

  /** Whether it waits for more of the body, rather than for whoever reads it. */
  get isHungry(): boolean {
    return !this.writableEnded && this.writableLength === 0;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#passed += chunk.length;
    const before = this.#held;
    this.#held = chunk;
    if (this.#wanted.digest !== undefined) this.#hash.update(chunk);
    if (this.#passed > this.#wanted.bytes) done(tooLong(this.#wanted.bytes));
    else done(null, before);
  }

  override _flush(done: TransformCallback): void {
    const { bytes, digest } = this.#wanted;
    if (this.#passed < bytes) done(tooShort(this.#passed, bytes));
    else if (digest !== undefined && this.#hash.digest('base64url') !== digest) done(otherDigest());
    else done(null, this.#held);
  }
}

/** Throws `ObjectMismatch` where a body that is all here is not as wanted. */
export function checkBuffer(body: Buffer, { bytes, digest }: Wanted): void {
  if (body.length > bytes) throw tooLong(bytes);
  if (body.length < bytes) throw tooShort(body.length, bytes);
  if (digest === undefined) return;
  if (createHash('sha256').update(body).digest('base64url') !== digest) throw otherDigest();
}

/** The whole of a body, checked. For small ones. */
export async function collectBody(body: Buffer | Readable, wanted: Wanted): Promise<Buffer> {
  if (Buffer.isBuffer(body)) {
    checkBuffer(body, wanted);
    return Buffer.from(body);
  }
  const chunks: Buffer[] = [];
  await pipeline(body, new CheckedBody(wanted), async (checked: AsyncIterable<Buffer>) => {
    for await (const chunk of checked) chunks.push(chunk);
  });
  return Buffer.concat(chunks);
}

const tooLong = (bytes: number) => new ObjectMismatch(`the body is longer than ${bytes} bytes`);
const tooShort = (found: number, bytes: number) =>
  new ObjectMismatch(`the body has ${found} bytes instead of ${bytes}`);
const otherDigest = () => new ObjectMismatch('the body has another digest');
