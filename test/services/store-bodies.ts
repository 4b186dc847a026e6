import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  type ListedObject,
  type ObjectFacts,
  type ObjectStore,
  StoreFailed,
} from '../../src/store/object-store.ts';
import type { StoreEvents } from '../../src/store/store-events.ts';

/** A folder that no other test uses. */
export const newFolder = (): string => `tests/${randomUUID()}`;

export const digestOf = (body: Buffer): string => createHash('sha256').update(body).digest('base64url');

/** What is right for a body. */
export const factsOf = (body: Buffer, change: Partial<ObjectFacts> = {}): ObjectFacts => ({
  bytes: body.length,
  contentType: 'video/mp2t',
  digest: digestOf(body),
  ...change,
});

export async function bytesOf(stream: Readable | undefined): Promise<Buffer | undefined> {
  if (stream === undefined) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export async function pagesOf(store: ObjectStore, prefix: string): Promise<(readonly ListedObject[])[]> {
  const pages: (readonly ListedObject[])[] = [];
  for await (const page of store.list(prefix)) pages.push(page);
  return pages;
}

export const keysOf = async (store: ObjectStore, prefix: string): Promise<string[]> =>
  (await pagesOf(store, prefix)).flat().map(({ key }) => key);

/** A body in pieces. */
export const inPieces = (body: Buffer, size = 10_000): Readable =>
  Readable.from(
    Array.from({ length: Math.ceil(body.length / size) }, (_, index) =>
      body.subarray(index * size, (index + 1) * size),
    ),
    { objectMode: false },
  );

/** Why a store failed; `none` where it did not. */
export const reasonOf = (task: Promise<unknown>): Promise<string> =>
  task.then(
    () => 'none',
    (error) => (error instanceof StoreFailed ? error.reason : String(error)),
  );

/** Writes down what a store tells. */
export class Told implements StoreEvents {
  readonly lines: string[] = [];
  failed: StoreEvents['failed'] = (operation, reason) => void this.lines.push(`${operation} ${reason}`);
  opened = () => void this.lines.push('opened');
  closed = () => void this.lines.push('closed');
}
