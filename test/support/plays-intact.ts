import { expect } from 'vitest';
import { playWithFfmpeg, probeStreams } from './ffmpeg.ts';
import { type Nodes, until } from './nodes.ts';
import type { Probers } from './probers.ts';
import type { Running } from './process.ts';

/** Each of these sources is being sent, and is watched by a prober. */
export async function probeAll(
  probers: Probers,
  nodes: Nodes,
  sources: readonly string[],
  options: { readonly timestamps?: boolean } = {},
): Promise<void> {
  for (const source of sources) {
    await until(`${source} is sent`, async () => (await nodes.source(source))?.['lastSegmentAt']);
    probers.follow(source, { url: nodes.playlistUrl(source), mustAnswer200: true, ...options });
  }
}

/** ffprobe sees picture and sound of all of them. */
export async function expectPictureAndSound(nodes: Nodes, sources: readonly string[]): Promise<void> {
  for (const source of sources) {
    const streams = await probeStreams(nodes.playlistUrl(source));
    expect({ source, codecs: streams.map((stream) => stream['codec_name']) }).toEqual({
      source,
      codecs: ['h264', 'aac'],
    });
  }
}

/** ffmpeg plays all of them for so many seconds, and complains of nothing. */
export async function expectFfmpegToPlay(
  nodes: Nodes,
  sources: readonly string[],
  seconds: number,
): Promise<void> {
  const played = await Promise.all(
    sources.map(async (source) => ({
      source,
      ...(await playWithFfmpeg(nodes.playlistUrl(source), seconds)),
    })),
  );
  expect(played).toEqual(sources.map((source) => ({ source, code: 0, complaints: '' })));
}

/**
 * Every encoder ends and begins anew. So much of the new run is listed then that a player, which begins three
 * segments from the end, begins behind the restart.
 */
export async function restartEncoders(
  nodes: Nodes,
  encoders: Map<string, Running>,
  encode: (source: string) => Running,
): Promise<void> {
  const sources = [...encoders.keys()];
  const before = new Map<string, number>();
  for (const source of sources) before.set(source, lastRun(await playlistOf(nodes, source)).number);
  for (const [source, encoder] of encoders) {
    await encoder[Symbol.asyncDispose]();
    encoders.set(source, encode(source));
  }
  await Promise.all(
    sources.map((source) =>
      until(`${source} goes on in another run`, async () => {
        const run = lastRun(await playlistOf(nodes, source));
        return run.number > before.get(source)! && run.segments > 3;
      }),
    ),
  );
}

const playlistOf = async (nodes: Nodes, source: string) => (await fetch(nodes.playlistUrl(source))).text();

/** The number of the newest run in a playlist, and how many of its segments are listed. */
function lastRun(playlist: string): { number: number; segments: number } {
  const stretches = playlist.split('#EXT-X-DISCONTINUITY\n');
  const gone = Number(playlist.match(/^#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)$/m)?.[1] ?? 0);
  return { number: gone + stretches.length, segments: stretches.at(-1)!.split('#EXTINF').length - 1 };
}
