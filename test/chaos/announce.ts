import { request } from 'node:http';
import type { History } from './history.ts';
import type { SegmentId } from './segment-bytes.ts';

/** A playlist on its way. */
export type Announcement = {
  readonly edgeUrl: string;
  readonly source: string;
  /** Where the segments lie. */
  readonly folder: string;
  readonly text: string;
  readonly segments: readonly SegmentId[];
  /** What the simulator was up to. */
  readonly move: string;
};

/** Longer than the edge takes for its answer. */
const PATIENCE_MS = 15_000;

/**
 * Posts a playlist as stock ffmpeg does: chunked, over a connection of its own. Its sending and its answer go into
 * the history. Resolves with the status, 0 where nothing was answered; never rejects.
 */
export function announce(history: History, post: number, announcement: Announcement): Promise<number> {
  const { edgeUrl, source, folder, text, segments, move } = announcement;
  history.add({ type: 'announce', post, segments, move });
  return new Promise((resolve) => {
    const done = (status: number) => {
      if (settled) return;
      settled = true;
      history.add({ type: 'ack', post, status });
      resolve(status);
    };
    let settled = false;
    const sending = request(`${edgeUrl}/v1/playlist`, {
      method: 'POST',
      agent: false,
      timeout: PATIENCE_MS,
      headers: {
        'User-Agent': 'Lavf/59.27.100',
        'Video-Source-Name': source,
        'MPEG-TS-URI-Prefix': `file://${folder}`,
        'Icy-MetaData': '1',
      },
    });
    sending.on('finish', () => history.add({ type: 'announce.sent', post }));
    sending.on('response', (response) => {
      response.resume();
      done(response.statusCode ?? 0);
    });
    sending.on('timeout', () => sending.destroy(new Error('no answer')));
    sending.on('error', () => done(0));
    sending.write(text);
    sending.end();
  });
}
