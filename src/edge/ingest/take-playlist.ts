import type { IncomingMessage, ServerResponse } from 'node:http';
import { parsePlaylist } from '../../hls/parse.ts';
import { PlaylistError } from '../../hls/playlist-error.ts';
import { LiveMixError } from '../../media/error.ts';
import { MIB, millis } from '../../media/units.ts';
import { answerJson } from '../../runtime/answer.ts';
import { showsToken } from '../../runtime/bearer.ts';
import type { Source } from '../source.ts';
import { ingestTrouble } from '../trouble.ts';
import { acceptPlaylist, type Taken } from './accept-playlist.ts';
import type { Ingest } from './ingest.ts';
import type { MediaOrigin } from './media-origin.ts';
import type { PlaylistRate } from './playlist-rate.ts';
import type { Pushes } from './push/pushes.ts';

/** A day of four-second segments is 0.8 MB. */
export const MAX_PLAYLIST_BYTES = MIB;
/** An answer waits this long for the segments to be read; taking in goes on without it. */
const ANSWER_WITHIN = millis(5_000);

export type IngestRoutes = {
  readonly ingest: Ingest;
  readonly pushes: Pushes;
  readonly rate: PlaylistRate;
  readonly token: string | undefined;
  /** The state of a source changed: it is to be reported. */
  readonly changed: () => void;
};

/**
 * Throws `unauthorized` where encoders must show a token and this one does not. ffmpeg takes the token out of its URL
 * only when it is asked for Basic, in a header of its own.
 */
export function refuseStranger(
  { token }: IngestRoutes,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (token === undefined || showsToken(request, token, { basic: true })) return;
  response.setHeader('WWW-Authenticate', ['Bearer realm="livemix"', 'Basic realm="livemix"']);
  throw new LiveMixError('unauthorized', 'This edge takes playlists only with its ingest token.', {
    hint: "Add `Authorization: Bearer TOKEN` to ffmpeg's -headers.",
  });
}

/** Does what an encoder asks for; what is refused is shown as the source's trouble. Rejects as `work` does. */
export async function orTrouble<T>(
  { ingest, changed }: IngestRoutes,
  name: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
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

/** Where a playlist was sent to, and what that means. */
export type Sent = {
  /** Where its segments are. What may not be read there makes no source. Throws `LiveMixError`. */
  origin(): Promise<MediaOrigin> | MediaOrigin;
  /** The rendition that it is of. */
  rendition(source: Source): Promise<string> | string;
  /** Where a URI of a multivariant playlist leads to. Throws `PlaylistError`. */
  placeOf(uri: string, line: number): string;
  /** What the sender itself calls the rendition at a place; where it is left out, names are made of places. */
  nameOf?(place: string): string;
  /** A multivariant playlist was taken in. */
  described?(): void;
};

/** Takes in a playlist of a source, and answers. Rejects with `LiveMixError`. */
export async function takePlaylist(
  { ingest, rate, changed }: IngestRoutes,
  response: ServerResponse,
  name: string,
  body: Buffer,
  sent: Sent,
): Promise<void> {
  rate.count(name, renditionsOf(ingest.sources.find(name)));
  const playlist = parsePlaylist(body);
  // What names something else makes no source, and changes none.
  if (playlist.kind === 'multivariant')
    for (const { uri, line } of playlist.entries) if (uri !== undefined) sent.placeOf(uri, line);
  const origin = await sent.origin();
  const source = await ingest.sources.open(name);
  if (source.isPulled) throw new LiveMixError('source_busy', 'This edge pulls the source by itself.');
  const before = stateOf(source);
  if (playlist.kind === 'multivariant') {
    const { placeOf, nameOf } = sent;
    await source.names.describe(playlist, placeOf, nameOf);
    sent.described?.();
    answerJson(response, 200, { source: name, renditions: source.names.all });
  } else {
    const rendition = ingest.sources.rendition(source, await sent.rendition(source));
    await answerTaken(ingest, response, name, acceptPlaylist(ingest, source, rendition, origin, playlist));
  }
  if (stateOf(source) !== before) changed();
}

/** A circle (threats T5): no media would ever come of it. */
export const namesItself = (line: number): PlaylistError =>
  new PlaylistError(
    'foreign_playlist',
    line,
    'this is the multivariant playlist itself; name a media playlist',
  );

const renditionsOf = (source: Source | undefined): number =>
  source === undefined ? 1 : Math.max(source.names.all.length, [...source.renditions].length);

/** What of a source control is told at once when it changes. */
const stateOf = ({ sending, trouble, multivariant, renditions }: Source): string =>
  JSON.stringify([
    sending,
    trouble?.code,
    multivariant,
    [...renditions].map(({ window }) => window.newest !== undefined),
  ]);

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
