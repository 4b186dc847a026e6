import type { HlsConfig, LoadPolicy } from 'hls.js';
import workerPath from 'hls.js/dist/hls.worker.js?url';

/**
 * The server holds the first request of a playlist up to 9 s, so every wait for one is longer than that.
 * Short troubles are ridden out by hls.js; what is fatal starts again with the session's own back-off.
 */
export function hlsSettings(kind: 'live' | 'recording'): Partial<HlsConfig> {
  const waitForPlaylist = (maxNumRetry: number): LoadPolicy => ({
    default: {
      maxTimeToFirstByteMs: 20_000,
      maxLoadTimeMs: 30_000,
      timeoutRetry: { maxNumRetry: 2, retryDelayMs: 500, maxRetryDelayMs: 2000 },
      errorRetry: { maxNumRetry, retryDelayMs: 500, maxRetryDelayMs: 4000, backoff: 'exponential' },
    },
  });
  return {
    debug: false,
    enableWorker: true,
    // A file of our own, allowed by `script-src 'self'`; the module build of hls.js carries no worker.
    workerPath,
    // What a player that runs for weeks keeps behind the picture; in a recording people go back and forth.
    backBufferLength: kind === 'live' ? 30 : 120,
    liveSyncDurationCount: 3,
    manifestLoadPolicy: waitForPlaylist(4),
    // Some 20 s: a control node restarts in that time, and the picture has no need to know.
    playlistLoadPolicy: waitForPlaylist(8),
  };
}
