import { createHash } from 'node:crypto';
import { pipeline, type Readable } from 'node:stream';
import type { PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3';
import { CheckedBody, checkBuffer, collectBody } from './checked-body.ts';
import { ObjectExists, type ObjectFacts } from './object-store.ts';
import { headersOf, type S3Sdk } from './s3-client.ts';
import { isSilence, s3Failure, statusOf } from './s3-failure.ts';

/** Where an object lies, in the words of the SDK. */
export type Place = { readonly Bucket: string; readonly Key: string };

/** A body on its way to a store. */
export interface Outgoing {
  /** Whether it can be sent once more. */
  readonly isRepeatable: boolean;
  readonly body: Buffer | Readable;
  /** Aborts when the body turns out wrong. */
  readonly signal?: AbortSignal;
  /** Ends it. Gives back what went wrong on this side, where that was why sending failed. */
  end(error: unknown): Error | undefined;
}

/** Takes a body, at once, so that its errors reach nobody else. Throws `ObjectMismatch` where it is wrong already. */
export async function outgoing(body: Buffer | Readable, facts: ObjectFacts): Promise<Outgoing> {
  // There is no last chunk to hold back of an empty object.
  if (!Buffer.isBuffer(body) && facts.bytes > 0) return new OutgoingStream(body, facts);
  if (Buffer.isBuffer(body)) checkBuffer(body, facts);
  const whole = Buffer.isBuffer(body) ? body : await collectBody(body, facts);
  return { isRepeatable: true, body: whole, end: () => undefined };
}

/**
 * A stream is checked while it passes and is never sent to its end where it is wrong: the store waits for the bytes
 * that it was promised, and forgets what it has when the connection ends.
 */
class OutgoingStream implements Outgoing {
  readonly isRepeatable = false;
  readonly body: CheckedBody;
  readonly signal: AbortSignal;
  readonly #source: Readable;
  readonly #abort = new AbortController();
  #fault: Error | undefined;

  constructor(source: Readable, facts: ObjectFacts) {
    this.#source = source;
    this.signal = this.#abort.signal;
    this.body = new CheckedBody(facts);
    pipeline(source, this.body, (error) => {
      this.#fault ??= error ?? undefined;
      // The SDK would wait for the rest.
      if (error) this.#abort.abort();
    });
  }

  end(error: unknown): Error | undefined {
    const stoodStill = isSilence(error) && this.body.isHungry;
    const fault = this.#fault ?? (stoodStill ? new Error('the body stood still') : undefined);
    this.body.destroy();
    this.#source.destroy();
    this.#abort.abort();
    return fault;
  }
}

/** One PUT. */
export async function upload(
  tools: { readonly sdk: S3Sdk; readonly client: S3Client; readonly closing: AbortSignal },
  place: Place,
  sent: Outgoing,
  facts: ObjectFacts,
): Promise<void> {
  const { body, signal } = sent;
  const command = new tools.sdk.PutObjectCommand({ ...place, ...described(facts, body), Body: body });
  const sha256 = facts.digest && Buffer.from(facts.digest, 'base64url').toString('hex');
  command.middlewareStack.add(
    (next) => (args) => {
      // The store compares it with what it got: there is more between us than TCP's checksum sees.
      if (sha256 !== undefined) headersOf(args.request)['x-amz-content-sha256'] = sha256;
      return next(args);
    },
    { step: 'build', name: 'sayDigest' },
  );
  try {
    const abortSignal = AbortSignal.any([tools.closing, ...(signal ? [signal] : [])]);
    await tools.client.send(command, { abortSignal });
  } catch (error) {
    const fault = sent.end(error);
    if (fault !== undefined) throw fault;
    if (statusOf(error) === 412) throw new ObjectExists('there is an object of this key', { cause: error });
    throw s3Failure(error);
  }
}

const described = (
  facts: ObjectFacts,
  body: Buffer | Readable,
): Omit<PutObjectCommandInput, keyof Place> => ({
  ContentLength: facts.bytes,
  ContentType: facts.contentType,
  ...(facts.replace === true ? {} : { IfNoneMatch: '*' }),
  ...(Buffer.isBuffer(body) ? { ContentMD5: createHash('md5').update(body).digest('base64') } : {}),
});
