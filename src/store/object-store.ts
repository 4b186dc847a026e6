import type { Readable } from 'node:stream';
import type { Bytes, EpochMs, Seconds } from '../media/units.ts';

/**
 * Objects by key, for as long as they are wanted. A key is names joined by `/`, each of letters, digits, dots,
 * dashes and underscores, none of them `.` or `..`; at most 512 characters. (`isObjectKey`)
 *
 * - An object is there as a whole or not at all: nobody ever reads half of one, whatever ends the writer.
 * - When `put` resolves the object survives a power cut.
 * - Absence is `undefined`; a store in trouble rejects with `StoreFailed`.
 */
export interface ObjectStore {
  /**
   * Writes an object. Rejects with `ObjectExists` where the key is in use and `replace` is not said, with
   * `ObjectMismatch` where the body is not of that length or digest; nothing is kept then. A body that fails is
   * passed on; nothing is kept.
   */
  put(key: string, body: Buffer | Readable, facts: ObjectFacts): Promise<void>;
  /** The whole of a small object. */
  get(key: string): Promise<Buffer | undefined>;
  /** The bytes as a stream, from `first` to `last` (both included) where a range is given. */
  stream(
    key: string,
    range?: { readonly first: number; readonly last: number },
  ): Promise<Readable | undefined>;
  head(key: string): Promise<ObjectHead | undefined>;
  /** Removes an object; one that is not there is no error. On disk when it resolves. */
  delete(key: string): Promise<void>;
  /** Every object whose key begins with `prefix`, in the order of keys, page by page. */
  list(prefix: string): AsyncIterable<readonly ListedObject[]>;
  /** Whether `ticket` gives any: edges reach the store themselves. */
  readonly givesTickets: boolean;
  /**
   * A URL that lets whoever has it put exactly this object once, for `ttl`; undefined where the store has none
   * (folder, memory), or edges are not to reach it.
   */
  ticket(key: string, facts: TicketFacts, ttl: Seconds): Promise<StoreTicket | undefined>;
  close(): Promise<void>;
}

export type ObjectFacts = {
  readonly bytes: number;
  readonly contentType: string;
  /** SHA-256, base64url without padding. Checked while the body passes, where it is given. */
  readonly digest?: string;
  /** Takes the place of an object of that key: for manifests. */
  readonly replace?: boolean;
};

export type TicketFacts = { readonly bytes: number; readonly contentType: string; readonly md5: string };

/** What to send: PUT to `url` with these headers. */
export type StoreTicket = { readonly url: string; readonly headers: Readonly<Record<string, string>> };

export type ObjectHead = { readonly bytes: Bytes };
export type ListedObject = { readonly key: string; readonly bytes: Bytes; readonly modifiedAt: EpochMs };

/** The store cannot be reached, or refuses: try again later. */
export class StoreFailed extends Error {
  constructor(
    /** `unreachable`, `slow_down`, `full`, `denied`, `broken`: a word for metrics. */
    readonly reason: 'unreachable' | 'slow_down' | 'full' | 'denied' | 'broken',
    detail: string,
    options?: ErrorOptions,
  ) {
    super(detail, options);
    this.name = 'StoreFailed';
  }
}

/** There is an object of that key already. */
export class ObjectExists extends Error {}

/** The body was not what its facts said. */
export class ObjectMismatch extends Error {}

const KEY = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;

/** Whether a text may be the key of an object. */
export const isObjectKey = (text: string): boolean =>
  text.length <= 512 && KEY.test(text) && !text.split('/').some((name) => /^\.{1,2}$/.test(name));
