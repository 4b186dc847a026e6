import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MediaPlaylist } from '../../hls/media-playlist.ts';
import { parseMediaPlaylist } from '../../hls/parse.ts';
import { LiveMixError } from '../../media/error.ts';
import { isName, MAIN } from '../../media/name.ts';
import { MIB, millis } from '../../media/units.ts';
import { answerJson } from '../../runtime/answer.ts';
import { showsToken } from '../../runtime/bearer.ts';
import { readBody } from '../../runtime/request-body.ts';
import { ingestTrouble } from '../trouble.ts';
import { acceptPlaylist, type Ingest, type Taken } from './accept-playlist.ts';
import { resolvePrefix } from './media-origin.ts';
import type { PlaylistRate } from './playlist-rate.ts';

/** A day of four-second segments is 0.8 MB. */
const MAX_PLAYLIST_BYTES = MIB;
/** An answer waits this long for the segments to be read; taking in goes on without it. */
const ANSWER_WITHIN = millis(5_000);

export type IngestRoutes = {
  readonly ingest: Ingest;
  readonly rate: PlaylistRate;
  readonly token: string | undefined;
  /** The state of a source changed: it is to be reported. */
  readonly changed: () => void;
};

/** Answers what encoders send; false for any other path. Rejects with `LiveMixError`. */
export async function answerIngest(
  routes: IngestRoutes,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<boolean> {
  if (path !== '/v1/playlist' && path !== `/v1/playlist/${MAIN}`) return false;
  if (request.method === 'POST' || request.method === 'PUT') {
    await answerPlaylistPost(routes, request, response);
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
  { ingest, rate, token, changed }: IngestRoutes,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const name = sourceNameOf(request);
  try {
    // ffmpeg loses what it sends when it is answered before its body has been read.
    const body = await readBody(request, { maxBytes: MAX_PLAYLIST_BYTES });
    if (token !== undefined && !showsToken(request, token, { basic: true })) {
      throw new LiveMixError('unauthorized', 'This edge takes playlists only with its ingest token.', {
        hint: "Add `Authorization: Bearer TOKEN` to ffmpeg's -headers.",
      });
    }
    if (name === undefined)
      throw new LiveMixError('bad_source_name', 'Video-Source-Name is missing or malformed.');
    rate.count(name);
    const playlist = parseMediaPlaylist(body);
    refuseUnsupported(playlist);
    const origin = await resolvePrefix(header(request, 'mpeg-ts-uri-prefix'), ingest.allowed);
    const source = await ingest.sources.open(name);
    const before = { sending: source.sending, trouble: source.trouble?.code };
    const taking = acceptPlaylist(ingest, source, source.rendition(MAIN)!, origin, playlist);
    await answerTaken(ingest, response, name, taking);
    if (before.sending !== source.sending || before.trouble !== source.trouble?.code) changed();
  } catch (error) {
    if (error instanceof LiveMixError) {
      const trouble = ingestTrouble(error);
      ingest.events.ingestRefused(name, error, trouble);
      // A caller that shows no token names no sources.
      if (name !== undefined && error.code !== 'unauthorized') ingest.sources.inTrouble(name, trouble);
      changed();
    }
    throw error;
  }
}

/** The encoder rarely waits for the answer and never reads it; it is for people and tests. */
async function answerTaken(
  { clock, events }: Ingest,
  response: ServerResponse,
  source: string,
  taking: Promise<Taken>,
): Promise<void> {
  let answered = false;
  const late = clock.after(ANSWER_WITHIN, () => {
    answered = true;
    answerJson(response, 202, { source, pending: true });
  });
  try {
    const taken = await taking;
    if (!answered) answerJson(response, 200, { source, ...taken });
  } catch (error) {
    if (!answered) throw error;
    events.requestFailed('late', error);
  } finally {
    late.cancel();
  }
}

/** A playlist whose segments mean nothing without more than their own bytes would be published unplayable. */
function refuseUnsupported(playlist: MediaPlaylist): void {
  for (const { tags, line } of playlist.segments) {
    const tag = tags.find((text) => /^#EXT-X-(MAP|BYTERANGE|KEY:(?!METHOD=NONE))/.test(text));
    if (tag === undefined) continue;
    const kind = /^#(EXT-X-[A-Z]+)/.exec(tag)![1];
    throw new LiveMixError('unsupported_hls', `${kind} stands before line ${line}.`);
  }
}

function sourceNameOf(request: IncomingMessage): string | undefined {
  const name = header(request, 'video-source-name');
  return name !== undefined && isName(name) ? name : undefined;
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value.trim() : undefined;
}
