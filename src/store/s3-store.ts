import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { bytes, epochMs, type Millis, millis, type Seconds } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import { checkKey, checkPrefix, checkRange } from './check-key.ts';
import {
  isObjectKey,
  type ListedObject,
  type ObjectFacts,
  type ObjectHead,
  type ObjectStore,
  StoreFailed,
  type StoreTicket,
  type TicketFacts,
} from './object-store.ts';
import { createClient, loadS3, type S3Sdk } from './s3-client.ts';
import { isMissing, s3Failure, statusOf } from './s3-failure.ts';
import { S3ReadStream } from './s3-read-stream.ts';
import { S3Requests } from './s3-requests.ts';
import { signTicket } from './s3-ticket.ts';
import { outgoing, type Place, upload } from './s3-upload.ts';
import { Slots } from './slots.ts';
import type { StoreEvents, StoreOperation } from './store-events.ts';
import type { S3Url } from './store-url.ts';

const SILENCE = millis(20_000);
/** Readers take their time; they shall not keep uploads from their turn. */
const STREAMS_AT_ONCE = 200;
const STREAMS_WAITING = 1000;

export type S3Tools = {
  readonly clock: Clock;
  readonly events: StoreEvents;
  /** Gives up on a connection on which nothing moved for so long; 20 s. */
  readonly silence?: Millis;
};

/**
 * Objects in a bucket of any S3, below a prefix. A `put` that failed as `unreachable` may have come through: the
 * next one of that key then finds `ObjectExists`. A stream that nobody reads for 20 s ends with an error.
 */
export class S3Store implements ObjectStore {
  readonly givesTickets: boolean;
  readonly #sdk: S3Sdk;
  readonly #client: S3Client;
  readonly #url: S3Url;
  readonly #clock: Clock;
  readonly #events: StoreEvents;
  readonly #requests: S3Requests;
  readonly #streams = new Slots(STREAMS_AT_ONCE, STREAMS_WAITING);

  private constructor(sdk: S3Sdk, url: S3Url, tools: S3Tools) {
    this.#sdk = sdk;
    this.#client = createClient(sdk, url, tools.silence ?? SILENCE);
    this.#url = url;
    this.givesTickets = url.direct;
    this.#clock = tools.clock;
    this.#events = tools.events;
    this.#requests = new S3Requests({ ...tools, random: Math.random });
  }

  /** Loads the SDK. The store need not be there. */
  static async open(url: S3Url, tools: S3Tools): Promise<S3Store> {
    return new S3Store(await loadS3(), url, tools);
  }

  async put(key: string, body: Buffer | Readable, facts: ObjectFacts): Promise<void> {
    const place = this.#place(key);
    const sent = await outgoing(body, facts);
    const tools = { sdk: this.#sdk, client: this.#client, closing: this.#requests.closing };
    const again = ({ reason }: StoreFailed) =>
      // A new object that may have come through would be taken for another one's.
      sent.isRepeatable && (facts.replace === true || reason === 'slow_down');
    try {
      await this.#requests.run('put', () => upload(tools, place, sent, facts), again);
    } catch (error) {
      sent.end(error);
      throw error;
    }
    await this.#confirm(key, facts);
  }

  async get(key: string): Promise<Buffer | undefined> {
    const command = new this.#sdk.GetObjectCommand(this.#place(key));
    return this.#ask('get', async (abortSignal) => {
      const { Body: body } = await this.#client.send(command, { abortSignal });
      const chunks: Buffer[] = [];
      for await (const chunk of body as Readable) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    });
  }

  async stream(
    key: string,
    range?: { readonly first: number; readonly last: number },
  ): Promise<Readable | undefined> {
    const place = this.#place(key);
    checkRange(range);
    const command = new this.#sdk.GetObjectCommand({
      ...place,
      ...(range && { Range: `bytes=${range.first}-${range.last}` }),
    });
    const leave = await this.#streams.enter();
    try {
      const body = await this.#ask('stream', async (abortSignal) => {
        const answer = await this.#client.send(command, { abortSignal }).catch(emptyBehindEnd);
        return answer.Body as Readable;
      });
      if (body === undefined) leave();
      return body && new S3ReadStream(body, leave);
    } catch (error) {
      leave();
      throw error;
    }
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    const command = new this.#sdk.HeadObjectCommand(this.#place(key));
    return this.#ask('head', async (abortSignal) => {
      const { ContentLength: length } = await this.#client.send(command, { abortSignal });
      return { bytes: bytes(length ?? 0) };
    });
  }

  async delete(key: string): Promise<void> {
    const command = new this.#sdk.DeleteObjectCommand(this.#place(key));
    await this.#ask('delete', (abortSignal) => this.#client.send(command, { abortSignal }));
  }

  async *list(prefix: string): AsyncGenerator<readonly ListedObject[]> {
    checkPrefix(prefix);
    const above = this.#url.prefix === '' ? '' : `${this.#url.prefix}/`;
    const asked = { Bucket: this.#url.bucket, Prefix: `${above}${prefix}` };
    for (let token: string | undefined; ; ) {
      const command = new this.#sdk.ListObjectsV2Command({
        ...asked,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      });
      const page = await this.#ask('list', (abortSignal) => this.#client.send(command, { abortSignal }));
      const objects = (page?.Contents ?? []).flatMap(({ Key, Size, LastModified }) => {
        const key = Key?.slice(above.length) ?? '';
        if (!isObjectKey(key)) return [];
        return [{ key, bytes: bytes(Size ?? 0), modifiedAt: epochMs(LastModified?.getTime() ?? 0) }];
      });
      if (objects.length > 0) yield objects;
      token = page?.NextContinuationToken;
      if (token === undefined) return;
    }
  }

  async ticket(key: string, facts: TicketFacts, ttl: Seconds): Promise<StoreTicket | undefined> {
    const place = this.#place(key);
    if (!this.givesTickets) return undefined;
    return signTicket({ sdk: this.#sdk, client: this.#client, at: this.#clock.now() }, place, facts, ttl);
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#requests.close();
    this.#client.destroy();
  }

  /** Looks whether the store has what it said it took. It may take it a moment to show. */
  async #confirm(key: string, facts: ObjectFacts): Promise<void> {
    for (const pause of [0, 300]) {
      if (pause > 0) await this.#clock.sleep(millis(pause), this.#requests.closing);
      const found = await this.head(key);
      if (found !== undefined && (facts.replace === true || found.bytes === facts.bytes)) return;
    }
    this.#events.failed('put', 'broken');
    throw new StoreFailed('broken', `The store took an object and does not have it: ${key}.`);
  }

  /** Makes a request that does no harm when it is made twice. Undefined where there is no such object. */
  #ask<T>(operation: StoreOperation, task: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    return this.#requests.run(operation, async () => {
      try {
        return await task(this.#requests.closing);
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw s3Failure(error);
      }
    });
  }

  #place(key: string): Place {
    checkKey(key);
    const { bucket, prefix } = this.#url;
    return { Bucket: bucket, Key: prefix === '' ? key : `${prefix}/${key}` };
  }
}

/** A range that begins behind the end holds no bytes. */
function emptyBehindEnd(error: unknown): { readonly Body: unknown } {
  if (statusOf(error) !== 416) throw error;
  return { Body: Readable.from([], { objectMode: false }) };
}
