import type { IncomingMessage, ServerResponse } from 'node:http';
import { PlaylistError } from '../../hls/playlist-error.ts';
import { LiveMixError } from '../../media/error.ts';
import { isName, MAIN } from '../../media/name.ts';
import { readBody } from '../../runtime/request-body.ts';
import { resolvePrefix } from './media-origin.ts';
import { type PushPath, pushTarget } from './push/push-path.ts';
import { answerPush } from './push/push-routes.ts';
import { isKeyName, isPlainSegmentName } from './segment-name.ts';
import {
  type IngestRoutes,
  MAX_PLAYLIST_BYTES,
  namesItself,
  orTrouble,
  refuseStranger,
  takePlaylist,
} from './take-playlist.ts';

/** Whether a path is an encoder's. */
export const isIngestPath = (path: string): boolean =>
  path.startsWith(PUSH_PATH) ||
  path === POST_PATH ||
  renditionIn(path) !== undefined ||
  fileBeside(path) !== undefined;

const POST_PATH = '/v1/playlist';

/** The rendition in `/v1/playlist/low` or `/v1/playlist/low.m3u8`; undefined where the path is another. Viewers know `index` as the source's own. */
function renditionIn(path: string): string | undefined {
  const name = /^\/v1\/playlist\/([^/]+?)(?:\.m3u8?)?$/.exec(path)?.[1];
  return name !== undefined && isName(name) && !isPlainSegmentName(name) && !isKeyFile(name)
    ? name.replace(/^index$/, MAIN)
    : undefined;
}

const isKeyFile = (name: string): boolean => name.includes('.') && isKeyName(name);

/**
 * ffmpeg, told to post its playlist to /v1/playlist, sends init.mp4 to /v1/init.mp4 and a key likewise; told to post those of
 * renditions to /v1/playlist/…, to /v1/playlist/init.mp4.
 */
function fileBeside(path: string): Omit<PushPath, 'source'> | undefined {
  const name = /^\/v1\/(?:playlist\/)?([^/]+)$/.exec(path)?.[1] ?? '';
  if (!name.includes('.')) return undefined;
  if (isKeyName(name)) return { folder: '', name, kind: 'key' };
  return isPlainSegmentName(name) ? { folder: '', name, kind: 'segment' } : undefined;
}

const PUSH_PATH = '/v1/ingest/';

/** Answers what encoders send; false for any other path. Rejects with `LiveMixError`. */
export async function answerIngest(
  routes: IngestRoutes,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<boolean> {
  if (!isIngestPath(path)) return false;
  if (path.startsWith(PUSH_PATH)) {
    await answerPush(routes, request, response, pushTarget(request.url ?? path));
    return true;
  }
  const beside = fileBeside(path);
  if (beside !== undefined) {
    await answerFileBeside(routes, request, response, beside);
    return true;
  }
  if (request.method === 'POST' || request.method === 'PUT') {
    await answerPlaylistPost(routes, request, response, path);
    return true;
  }
  if (request.method === 'GET' || request.method === 'HEAD') {
    // `append_list` asks for the last playlist, but not whose: ffmpeg then begins at 0, which is fine.
    throw new LiveMixError('not_found', 'Playlists are posted here, not read.');
  }
  response.setHeader('Allow', 'POST, PUT');
  throw new LiveMixError('method_not_allowed', 'Playlists are posted here.');
}

async function answerPlaylistPost(
  routes: IngestRoutes,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  const name = sourceNameOf(request);
  await orTrouble(routes, name, async () => {
    // ffmpeg loses what it sends when it is answered before its body has been read.
    const body = await readBody(request, { maxBytes: MAX_PLAYLIST_BYTES });
    refuseStranger(routes, request, response);
    if (name === undefined)
      throw new LiveMixError('bad_source_name', 'Video-Source-Name is missing or malformed.');
    const prefix = header(request, 'mpeg-ts-uri-prefix');
    await takePlaylist(routes, response, name, body, {
      async origin() {
        const beside = routes.pushes.find(name)?.files;
        return { ...(await resolvePrefix(prefix, routes.ingest.allowed)), ...(beside && { beside }) };
      },
      rendition: () => renditionIn(path) ?? MAIN,
      placeOf: (uri, line) => postedTo(path, uri, line),
      nameOf: (place) => renditionIn(place) ?? MAIN,
    });
  });
}

/** Where the media playlist is posted that a multivariant playlist, itself posted to `own`, names. Throws `PlaylistError`. */
function postedTo(own: string, uri: string, line: number): string {
  const path = `${POST_PATH}/${uri}`;
  const rendition = renditionIn(path);
  if (rendition !== undefined && rendition === renditionIn(own)) throw namesItself(line);
  if (rendition !== undefined) return path;
  throw new PlaylistError(
    'foreign_playlist',
    line,
    'this is no rendition; name it like low.m3u8 and post its playlist to /v1/playlist/low.m3u8',
  );
}

async function answerFileBeside(
  routes: IngestRoutes,
  request: IncomingMessage,
  response: ServerResponse,
  file: Omit<PushPath, 'source'>,
): Promise<void> {
  const source = sourceNameOf(request);
  if (source !== undefined) return answerPush(routes, request, response, { ...file, source });
  await readBody(request, { maxBytes: MAX_PLAYLIST_BYTES });
  refuseStranger(routes, request, response);
  throw new LiveMixError('bad_source_name', 'Video-Source-Name is missing or malformed.');
}

function sourceNameOf(request: IncomingMessage): string | undefined {
  const name = header(request, 'video-source-name');
  return name !== undefined && isName(name) ? name : undefined;
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value.trim() : undefined;
}
