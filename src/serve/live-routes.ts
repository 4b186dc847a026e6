import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseMediaFileName } from '../media/carried.ts';
import { LiveMixError } from '../media/error.ts';
import { isName, MAIN } from '../media/name.ts';
import { answerProblem, requestId } from '../runtime/answer.ts';
import { answerPlaylist } from './answer-playlist.ts';
import { answerSegment } from './answer-segment.ts';
import { answerOptions } from './cross-origin.ts';
import type { Presence } from './presence.ts';
import type { RenderedPlaylist } from './rendered-playlist.ts';

/** Which segment a URL names; `digest` is the first 22 characters of the real one. */
export type SegmentName = {
  readonly source: string;
  readonly rendition: string;
  readonly fileName: string;
  readonly sequence: number;
  readonly digest: string;
  readonly extension: string;
};

/** `live`: somebody watches the source as it goes, so it is to be forwarded; else it is a recording's. */
export type FoundSegment = { readonly bytes: Buffer; readonly live: boolean };

/** What a node must have to serve live HLS. All throw `LiveMixError`. */
export interface LiveHost {
  /** The playlist that names the renditions of a source; undefined for a source that has but one. */
  multivariant(source: string): RenderedPlaylist | undefined;
  /** The list as it is now; waits while a source is starting. `gone` aborts when the viewer went away. */
  playlist(
    source: string,
    rendition: string,
    gone: () => AbortSignal,
  ): RenderedPlaylist | Promise<RenderedPlaylist>;
  /** A segment; undefined when it is not here. */
  segment(name: SegmentName): FoundSegment | undefined | Promise<FoundSegment | undefined>;
  readonly presence: Presence;
  requestFailed(requestId: string, error: unknown): void;
}

/**
 * Answers requests below `/live/` and `/m/`; false for any other path. This is the way every viewer goes, so
 * it stands on Node's own HTTP and does nothing that a request does not need.
 */
export function answerLive(
  host: LiveHost,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): boolean {
  const media = path.startsWith('/m/');
  if (!media && !path.startsWith('/live/')) return false;
  if (answerOptions(request, response)) return true;
  try {
    if (media) answerMedia(host, request, response, path);
    else answerList(host, request, response, path);
  } catch (error) {
    answerFailure(host, response, error);
  }
  return true;
}

function answerList(host: LiveHost, request: IncomingMessage, response: ServerResponse, path: string): void {
  const [source, file, more] = path.slice('/live/'.length).split('/');
  if (more !== undefined || file === undefined || !file.endsWith('.m3u8') || !isName(source!)) {
    throw new LiveMixError('not_found', 'There is no such playlist.');
  }
  const name = file.slice(0, -'.m3u8'.length);
  const multivariant = name === 'index' ? host.multivariant(source!) : undefined;
  if (multivariant !== undefined) {
    host.presence.polled(source!, undefined, request);
    answerPlaylist(request, response, multivariant);
    return;
  }
  const rendition = name === 'index' ? MAIN : name;
  const answer = host.playlist(source!, rendition, () => goneSignal(response));
  host.presence.polled(source!, rendition, request);
  if (!(answer instanceof Promise)) {
    answerPlaylist(request, response, answer);
    return;
  }
  answer.then(
    (playlist) => answerPlaylist(request, response, playlist),
    (error) => answerFailure(host, response, error),
  );
}

function answerMedia(host: LiveHost, request: IncomingMessage, response: ServerResponse, path: string): void {
  const [source, rendition, fileName, more] = path.slice('/m/'.length).split('/');
  const parsed = parseMediaFileName(fileName ?? '');
  if (more !== undefined || parsed === undefined || !isName(source!) || !isName(rendition!))
    throw segmentUnknown();
  const name = { source: source!, rendition: rendition!, fileName: fileName!, ...parsed };
  const found = host.segment(name);
  if (!(found instanceof Promise)) {
    sendSegment(host, request, response, name, found);
    return;
  }
  found
    .then(
      (segment) => sendSegment(host, request, response, name, segment),
      (error) => answerFailure(host, response, error),
    )
    .catch((error) => answerFailure(host, response, error));
}

function sendSegment(
  host: LiveHost,
  request: IncomingMessage,
  response: ServerResponse,
  name: SegmentName,
  segment: FoundSegment | undefined,
): void {
  if (segment === undefined) throw segmentUnknown();
  answerSegment(request, response, segment.bytes, name);
  if (!segment.live) return;
  // Presence goes on while a long segment is being sent; a short one is sent at once.
  if (response.writableFinished) host.presence.touched(name.source, name.rendition);
  else response.once('close', host.presence.sending(name.source, name.rendition));
}

const segmentUnknown = () =>
  new LiveMixError('segment_unknown', 'There is no such segment here, or no longer.');

function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}

function answerFailure(host: LiveHost, response: ServerResponse, error: unknown): void {
  const id = requestId();
  if (response.destroyed || response.headersSent) return;
  if (error instanceof LiveMixError) {
    answerProblem(response, error, id, { 'Access-Control-Allow-Origin': '*' });
    return;
  }
  host.requestFailed(id, error);
  answerProblem(response, new LiveMixError('internal', 'The request failed.'), id);
}
