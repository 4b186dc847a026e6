import { expect } from 'vitest';
import { playWithFfmpeg, probeStreams } from './ffmpeg.ts';
import { type Nodes, until } from './nodes.ts';
import type { Probers } from './probers.ts';

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
