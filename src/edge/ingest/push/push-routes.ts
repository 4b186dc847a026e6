import type { IncomingMessage, ServerResponse } from 'node:http';
import { PlaylistError } from '../../../hls/playlist-error.ts';
import { LiveMixError } from '../../../media/error.ts';
import { answerJson, answerText } from '../../../runtime/answer.ts';
import { readBody } from '../../../runtime/request-body.ts';
import { isDiskFull } from '../../spool/spool.ts';
import type { Ingest } from '../ingest.ts';
import { SourceUnreadable } from '../open-segment.ts';
import { MAX_KEY } from '../read-needs.ts';
import { MemorySink } from '../read-segment.ts';
import { extensionOf } from '../segment-name.ts';
import {
  type IngestRoutes,
  MAX_PLAYLIST_BYTES,
  namesItself,
  orTrouble,
  refuseStranger,
  takePlaylist,
} from '../take-playlist.ts';
import type { ArrivingBody } from './arriving-body.ts';
import { type PushPath, parsePushPath, pushedPath } from './push-path.ts';
import { PushedFile } from './pushed-file.ts';
import { PushedFolder } from './pushed-folder.ts';

/**
 * HLS push, as `ffmpeg -f hls -method PUT` does it: segments and playlists themselves. ffmpeg never reads an answer,
 * and loses what it sends when it is answered before its body has been read. Rejects with `LiveMixError`.
 */
export async function answerPush(
  routes: IngestRoutes,
  request: IncomingMessage,
  response: ServerResponse,
  pushed: PushPath | undefined,
): Promise<void> {
  refusePages(request);
  switch (request.method) {
    case 'PUT':
    case 'POST':
      return orTrouble(routes, pushed?.source, () => answerPut(routes, request, response, pushed));
    case 'DELETE':
      // It comes one segment after the segment left the encoder's list, far too early for viewers.
      await readBody(request, { maxBytes: MAX_PLAYLIST_BYTES });
      refuseStranger(routes, request, response);
      return answerJson(response, 200, { ignored: true });
    case 'GET':
    case 'HEAD':
      refuseStranger(routes, request, response);
      return answerLastPlaylist(routes, response, pushed);
  }
  response.setHeader('Allow', 'PUT, POST, DELETE, GET, HEAD');
  throw new LiveMixError('method_not_allowed', 'Playlists and segments are pushed here.');
}

async function answerPut(
  routes: IngestRoutes,
  request: IncomingMessage,
  response: ServerResponse,
  path: PushPath | undefined,
): Promise<void> {
  if (path !== undefined && path.kind !== 'playlist') return answerSegment(routes, request, response, path);
  const body = await readBody(request, { maxBytes: MAX_PLAYLIST_BYTES });
  refuseStranger(routes, request, response);
  if (path === undefined) throw badPath();
  const { sources } = routes.ingest;
  await takePlaylist(routes, response, path.source, body, {
    async origin() {
      await sources.open(path.source);
      const push = routes.pushes.of(path.source);
      push.sawPlaylist(path, body);
      return { kind: 'pushed', files: new PushedFolder(push.files, path) };
    },
    rendition: (source) => routes.pushes.of(path.source).renditionOf(path, source),
    placeOf: (uri, line) => placeOf(path, uri, line),
    described: () => routes.pushes.of(path.source).described(),
  });
}

/** Where a URI of a pushed multivariant playlist leads to. Throws `PlaylistError` where that is itself, or not this source. */
function placeOf({ source, folder, name }: PushPath, uri: string, line: number): string {
  const path = pushedPath(folder, uri);
  if (path === folder + name) throw namesItself(line);
  if (path !== undefined && parsePushPath(`/v1/ingest/${source}/${path}`)?.kind === 'playlist') return path;
  throw new PlaylistError(
    'foreign_playlist',
    line,
    'this media playlist is not pushed beside this one; name it like low/index.m3u8',
  );
}

async function answerSegment(
  routes: IngestRoutes,
  request: IncomingMessage,
  response: ServerResponse,
  path: PushPath,
): Promise<void> {
  const maxBytes = path.kind === 'key' ? MAX_KEY : routes.ingest.maxSegmentBytes;
  const body = routes.pushes.bodyOf(request, maxBytes);
  try {
    refuseStranger(routes, request, response);
    const bytes = await receiveFor(routes, path, body);
    answerJson(response, 200, { source: path.source, bytes });
  } catch (error) {
    await body.drain();
    if (path.kind === 'key' && error instanceof LiveMixError && error.code === 'too_large')
      throw keyTooLarge();
    if (!(error instanceof SourceUnreadable)) throw error;
    throw new LiveMixError('bad_segment', `The segment is not whole: ${error.message}.`);
  }
}

/** Any page that is open on this machine may POST to its loopback, which asks for no token; encoders name no origin. */
function refusePages({ headers }: IncomingMessage): void {
  if (headers.origin === undefined && headers['sec-fetch-site'] === undefined) return;
  throw new LiveMixError('csrf', 'A web page pushes this.', {
    hint: 'Push with an encoder, not from a browser.',
  });
}

/** How many bytes have come at the end. A playlist may name the segment, or a part of it, and wait for it, before its last byte has come. */
async function receiveFor(
  { ingest, pushes }: IngestRoutes,
  { source, folder, name }: PushPath,
  body: ArrivingBody,
): Promise<number> {
  if (ingest.sources.find(source) === undefined) await ingest.sources.open(source);
  const { files } = pushes.of(source);
  files.refuseTooMany();
  const { clock, maxSegmentBytes } = ingest;
  const startedAt = clock.now();
  const file = new PushedFile(body, {
    extension: extensionOf(name),
    startedAt,
    maxSegmentBytes,
    clock,
    openSink: () => openSink(ingest),
  });
  files.add(folder + name, file, startedAt);
  await file.received.catch((error: unknown) => {
    // The other one that ffmpeg opens under the name of a file of many segments.
    if (!body.isEmpty || !files.isReplaced(folder + name, file)) throw error;
  });
  return file.size;
}

async function openSink({ sources }: Ingest) {
  if (!sources.isFull) {
    try {
      return await sources.spool.stage();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
  }
  sources.freeOldest();
  return new MemorySink();
}

/** `append_list` asks for the last playlist, and goes on after it. */
function answerLastPlaylist(
  { pushes }: IngestRoutes,
  response: ServerResponse,
  path: PushPath | undefined,
): void {
  const text = path && pushes.find(path.source)?.playlist(path);
  if (text === undefined) throw new LiveMixError('not_found', 'No playlist was pushed under this path.');
  answerText(response, 200, text.toString(), { 'Content-Type': 'application/vnd.apple.mpegurl' });
}

const keyTooLarge = () =>
  new LiveMixError('body_too_large', `A key has at most ${MAX_KEY} bytes, and this is the name of a key.`, {
    hint: 'Name segments and init sections with an extension, such as .ts, .m4s or .mp4.',
  });
const badPath = () =>
  new LiveMixError('bad_push_path', 'The path is no /v1/ingest/SOURCE/FILE with an extension of HLS.');
