import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import { ownBytes } from '../../media/carried.ts';
import { LiveMixError } from '../../media/error.ts';
import { isFragmentedMp4, mediaType } from '../../media/segment-record.ts';
import { join } from './joined.ts';
import { inputOf, type StoredReads } from './stored-input.ts';

/** A recording that is fetched as one file. */
export type Download = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly recording: CatalogRecording;
  /** What it has, in order; at least one. */
  readonly segments: readonly CatalogSegment[];
  /** The rendition that was asked for by its name. */
  readonly named: string | null;
  readonly reads: StoredReads;
  /** It broke off in the middle, and its reader has been shown so. */
  readonly onBroken: (error: unknown) => void;
};

/**
 * Answers with the segments of a recording as one file of their own kind, as fast as it is taken. Throws
 * `download_impossible`.
 */
export function answerJoined(download: Download, extension: string): Promise<void> {
  const { segments, reads } = download;
  const content = join(segments, extension, reads.read);
  return answerFile(
    download,
    extension,
    content,
    isFragmentedMp4(extension) ? undefined : lengthOf(download),
  );
}

/** How long the file is, without what is known to be gone by then. Who fetches it sees how far it is, and players how long it lasts. */
const lengthOf =
  ({ segments, reads }: Download) =>
  (): number =>
    segments.reduce((sum, segment) => sum + (reads.isGone(segment) ? 0 : ownBytes(segment.record).bytes), 0);

/** Answers with a recording of MPEG-TS as one MP4, remuxed. Throws `mp4_impossible` before the first byte where that cannot be. */
export async function answerMp4(download: Download): Promise<void> {
  const { segments, reads } = download;
  const { remuxToMp4 } = await import('./mp4/remux.ts');
  const inputs = segments.map((segment, index) => inputOf(segment, segments[index - 1], reads.read));
  await answerFile(download, 'mp4', remuxToMp4(inputs));
}

/**
 * Nothing is said before the first bytes are there: until then what is in the way can be told. What is gone from the store is
 * left out. Throws `recording_empty` where all of it is.
 *
 * @param length asked when the first bytes are there. What is found to be gone later breaks the answer off: the next one
 *   is without it
 */
async function answerFile(
  download: Download,
  extension: string,
  content: AsyncGenerator<Buffer, void, void>,
  length?: () => number,
): Promise<void> {
  const { response, segments, reads } = download;
  try {
    const first = await content.next().catch((error: unknown) => {
      throw reads.gone === segments.length ? allGone() : error;
    });
    if (first.done === true) throw allGone();
    response.writeHead(200, {
      ...headersOf(download, extension),
      'Content-Type': mediaType(extension),
      ...(length !== undefined && { 'Content-Length': length() }),
    });
    const whole = followedBy(first.value, content);
    await send(download, length === undefined ? whole : unlessGone(reads, whole));
  } finally {
    await content.return();
  }
}

async function* followedBy(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

/** Rejects when more is found to be gone than was known at the begin. */
async function* unlessGone(reads: StoredReads, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { gone } = reads;
  for await (const bytes of content) {
    if (reads.gone > gone) throw objectGone();
    yield bytes;
  }
  if (reads.gone > gone) throw objectGone();
}

const objectGone = () => new Error('an object is gone from the store; the next download is without it');

async function send(download: Download, content: AsyncIterable<Buffer>): Promise<void> {
  const { request, response } = download;
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const checked = Readable.from(brokenOff(download, content), { objectMode: true, highWaterMark: 1 });
  // What broke has been told; a reader that went away is no failure.
  await pipeline(checked, response).catch(() => response.destroy());
}

/**
 * The content, but what breaks in it resets the connection: to a reader of HTTP/1.0, such as many a proxy, one that ends
 * looks like the end of the file.
 */
async function* brokenOff(
  { response, onBroken }: Download,
  content: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  try {
    yield* content;
  } catch (error) {
    response.socket?.resetAndDestroy();
    onBroken(error);
    throw error;
  }
}

const allGone = () =>
  new LiveMixError('recording_empty', 'Nothing of the recording is left in the object store.', {
    hint: 'Check the store. When its objects are back: `livemix recordings verify ID`.',
  });

function headersOf({ recording, named }: Download, extension: string): Record<string, string> {
  const { source, from } = recording;
  const at = new Date(from).toISOString().slice(0, 19).replaceAll(':', '-');
  const name = named === null ? `${source}_${at}` : `${source}_${at}_${named}`;
  return {
    'Content-Disposition': `attachment; filename="${name}.${extension}"`,
    'Cache-Control': 'no-cache',
    'Access-Control-Allow-Origin': '*',
    'X-Content-Type-Options': 'nosniff',
  };
}
