import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import { mediaType } from '../../media/segment-record.ts';
import { join } from './joined.ts';
import { inputOf, type ReadStored } from './stored-input.ts';

/** A recording that is fetched as one file. */
export type Download = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly recording: CatalogRecording;
  /** What it has, in order; at least one. */
  readonly segments: readonly CatalogSegment[];
  readonly read: ReadStored;
};

/**
 * Answers with the segments of a recording as one file of their own kind, as fast as it is taken. Throws
 * `download_impossible`.
 */
export function answerJoined(download: Download, extension: string): Promise<void> {
  return answerFile(download, extension, join(download.segments, extension, download.read));
}

/** Answers with a recording of MPEG-TS as one MP4, remuxed. Throws `mp4_impossible` before the first byte where that cannot be. */
export async function answerMp4(download: Download): Promise<void> {
  const { segments, read } = download;
  const { remuxToMp4 } = await import('./mp4/remux.ts');
  const inputs = segments.map((segment, index) => inputOf(segment, segments[index - 1], read));
  await answerFile(download, 'mp4', remuxToMp4(inputs));
}

/** Nothing is said before the first bytes are there: until then what is in the way can be told. */
async function answerFile(
  download: Download,
  extension: string,
  content: AsyncGenerator<Buffer, void, void>,
): Promise<void> {
  const { response, recording } = download;
  try {
    const first = await content.next();
    response.writeHead(200, { ...headersOf(recording, extension), 'Content-Type': mediaType(extension) });
    await send(download, first.done === true ? [] : followedBy(first.value, content));
  } finally {
    await content.return();
  }
}

async function* followedBy(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

async function send(
  { request, response }: Download,
  content: AsyncIterable<Buffer> | Iterable<Buffer>,
): Promise<void> {
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  try {
    await pipeline(Readable.from(content, { objectMode: true, highWaterMark: 1 }), response);
  } catch (error) {
    // A reader that went away is no failure; what broke here must not look like the end.
    const isGone = (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE';
    response.destroy();
    if (!isGone) throw error;
  }
}

function headersOf({ source, from }: CatalogRecording, extension: string): Record<string, string> {
  const at = new Date(from).toISOString().slice(0, 19).replaceAll(':', '-');
  return {
    'Content-Disposition': `attachment; filename="${source}_${at}.${extension}"`,
    'Cache-Control': 'no-cache',
    'Access-Control-Allow-Origin': '*',
    'X-Content-Type-Options': 'nosniff',
  };
}
