import { request } from 'node:http';

/** An answer that does not come within this many milliseconds is given up, so that posts do not pile up. */
const GIVE_UP_AFTER_MS = 10_000;

/**
 * Posts a playlist as ffmpeg does: on its own connection, chunked, without waiting for the answer or reading it, and
 * without trying again. A playlist that is lost is made good by the next one, which lists the same segments.
 */
export function postPlaylist(
  url: string,
  headers: Readonly<Record<string, string>>,
  text: string,
  signal: AbortSignal,
): void {
  const post = request(url, { method: 'POST', headers, agent: false, signal, timeout: GIVE_UP_AFTER_MS });
  post.on('response', (answer) => answer.on('error', () => undefined).resume());
  post.on('timeout', () => post.destroy());
  post.on('error', () => undefined);
  post.write(text);
  post.end();
}
