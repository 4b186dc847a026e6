import type { IncomingMessage, ServerResponse } from 'node:http';
import { LiveMixError } from '../../media/error.ts';
import { segmentExtensions } from '../../media/segment-record.ts';
import { answerPlaylist } from '../../serve/answer-playlist.ts';
import { answerOptions } from '../../serve/cross-origin.ts';
import type { Recordings } from '../recordings/recordings.ts';
import { answerJoined, answerMp4 } from './download.ts';
import type { Remuxes } from './remuxes.ts';
import type { ReplaySegments } from './replay-segments.ts';
import type { Replays } from './replays.ts';

export type ReplayRoutes = {
  readonly recordings: Recordings;
  readonly replays: Replays;
  readonly segments: ReplaySegments;
  readonly remuxes: Remuxes;
};

const PATH = /^\/recordings\/([a-z0-9]{16})\/(?:index\.m3u8|download\.([a-z0-9]{2,6}))$/;

/** Answers requests below `/recordings/`; false for any other path. Rejects with `LiveMixError`. */
export async function answerReplay(
  { recordings, replays, segments, remuxes }: ReplayRoutes,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<boolean> {
  if (!path.startsWith('/recordings/')) return false;
  const [, id, extension] = PATH.exec(path) ?? [];
  if (answerOptions(request, response)) return true;
  response.setHeader('Access-Control-Allow-Origin', '*');
  if (id === undefined || !segmentExtensions.has(extension ?? 'ts')) {
    throw new LiveMixError('recording_unknown', 'There is no such recording, or no such file of it.');
  }
  if (extension === undefined) {
    answerPlaylist(request, response, await replays.playlist(id));
    return true;
  }
  const content = await replays.content(id);
  const recording = recordings.get(id);
  const download = { request, response, recording, segments: content, read: segments.read.bind(segments) };
  const isRemuxed = extension === 'mp4' && content.some(({ record }) => record.extension === 'ts');
  if (isRemuxed && content.every(({ record }) => record.keys === undefined)) {
    await remuxes.run(() => answerMp4(download));
  } else await answerJoined(download, extension);
  return true;
}
