import type { IncomingMessage, ServerResponse } from 'node:http';
import { LiveMixError } from '../../media/error.ts';
import { segmentExtensions } from '../../media/segment-record.ts';
import { answerPlaylist } from '../../serve/answer-playlist.ts';
import { answerOptions } from '../../serve/cross-origin.ts';
import type { RenderedPlaylist } from '../../serve/rendered-playlist.ts';
import type { ControlEvents } from '../events.ts';
import type { Recordings } from '../recordings/recordings.ts';
import { answerJoined, answerMp4 } from './download.ts';
import type { Remuxes } from './remuxes.ts';
import type { ReplaySegments } from './replay-segments.ts';
import type { Replays } from './replays.ts';
import { StoredReads } from './stored-input.ts';

export type ReplayRoutes = {
  readonly recordings: Recordings;
  readonly replays: Replays;
  readonly segments: ReplaySegments;
  readonly remuxes: Remuxes;
  readonly events: Pick<ControlEvents, 'downloadBroken'>;
};

const PATH =
  /^\/recordings\/([a-z0-9]{16})\/(?:([A-Za-z0-9][A-Za-z0-9._-]{0,63})\.m3u8|download\.([a-z0-9]{2,6}))$/;
/** The playlist of a recording, of whichever kind; others are named after renditions. */
const INDEX = 'index';

/** Answers requests below `/recordings/`; false for any other path. Rejects with `LiveMixError`. */
export async function answerReplay(
  routes: ReplayRoutes,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<boolean> {
  if (!path.startsWith('/recordings/')) return false;
  const [, id, list, extension = 'ts'] = PATH.exec(path) ?? [];
  if (answerOptions(request, response)) return true;
  response.setHeader('Access-Control-Allow-Origin', '*');
  if (id === undefined || !segmentExtensions.has(extension))
    throw new LiveMixError('recording_unknown', 'There is no such recording.');
  if (list !== undefined) answerPlaylist(request, response, await playlistOf(routes.replays, id, list));
  else await answerDownload(routes, request, response, id, extension);
  return true;
}

async function playlistOf(replays: Replays, id: string, list: string): Promise<RenderedPlaylist> {
  if (list !== INDEX) return replays.playlist(id, list);
  return (await replays.multivariant(id)) ?? replays.playlist(id, await replays.main(id));
}

async function answerDownload(
  { recordings, replays, segments, remuxes, events }: ReplayRoutes,
  request: IncomingMessage,
  response: ServerResponse,
  id: string,
  extension: string,
): Promise<void> {
  const asked = new URLSearchParams(/\?(.*)$/.exec(request.url ?? '')?.[1]).get('rendition');
  const content = await replays.content(id, asked ?? (await replays.best(id)));
  const recording = recordings.get(id);
  const reads = new StoredReads((segment) => segments.read(segment));
  const onBroken = (error: unknown) => events.downloadBroken(id, error);
  const download = { request, response, recording, segments: content, reads, onBroken, named: asked };
  const isRemuxed = extension === 'mp4' && content.some(({ record }) => record.extension === 'ts');
  if (isRemuxed && content.every(({ record }) => record.keys === undefined)) {
    await remuxes.run(() => answerMp4(download));
  } else await answerJoined(download, extension);
}
