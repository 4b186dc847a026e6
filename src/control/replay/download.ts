import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import { mediaType } from '../../media/segment-record.ts';
import { join } from './joined.ts';
import type { Mp4Input } from './mp4/mp4-input.ts';

/** Reads the bytes of a stored segment, checked; rejects when they are gone. */
export type ReadStored = (segment: CatalogSegment) => Promise<Buffer>;

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
 * Answers with the bytes of a recording in order, one segment in memory at a time, as fast as they are taken. Throws
 * `download_impossible`.
 */
export async function answerJoined(download: Download, extension: string): Promise<void> {
  const { response, recording, segments, read } = download;
  const { bytes, content } = join(segments, extension, read);
  response.writeHead(200, {
    ...headersOf(recording, extension),
    'Content-Type': mediaType(extension),
    'Content-Length': bytes,
  });
  await send(download, content);
}

/** Answers with a recording of MPEG-TS as one MP4, remuxed. Throws `mp4_impossible` before the first byte where that cannot be. */
export async function answerMp4(download: Download): Promise<void> {
  const { response, recording, segments, read } = download;
  const { remuxToMp4 } = await import('./mp4/remux.ts');
  const mp4 = remuxToMp4(segments.map((segment, index) => inputOf(segment, segments[index - 1], read)));
  try {
    const first = await mp4.next();
    response.writeHead(200, { ...headersOf(recording, 'mp4'), 'Content-Type': 'video/mp4' });
    await send(download, first.done === true ? [] : followedBy(first.value, mp4));
  } finally {
    await mp4.return();
  }
}

function inputOf(segment: CatalogSegment, before: CatalogSegment | undefined, read: ReadStored): Mp4Input {
  const { record } = segment;
  const follows = before === undefined || before.record.sequence + 1 === record.sequence;
  return {
    bytes: () => read(segment),
    extension: record.extension,
    discontinuity: record.discontinuity || !follows,
    at: record.at,
    duration: record.duration,
  };
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
