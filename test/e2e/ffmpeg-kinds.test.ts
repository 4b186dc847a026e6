import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { playWithFfmpeg, probeStreams, pushAllWithFfmpeg, pushWithFfmpeg } from '../support/ffmpeg.ts';
import { Nodes, until } from '../support/nodes.ts';
import { Prober } from '../support/prober.ts';
import type { Running } from '../support/process.ts';

type Kind = {
  /** `push`: segments go over HTTP; `file`: the edge reads them from a folder. */
  readonly by: 'push' | 'file';
  readonly flags: readonly string[];
  readonly fileName?: string;
  /** What its playlist must say. */
  readonly says: RegExp;
};

const fmp4 = ['-hls_segment_type', 'fmp4'];
const encrypted = ['-hls_enc', '1', '-hls_enc_key', '0123456789abcdef'];
const keyLine = /#EXT-X-KEY:METHOD=AES-128,URI="\.\.\/\.\.\/m\/[^"]+\.key",IV=0x[0-9a-f]{32}\n/i;
const mapLine = /#EXT-X-MAP:URI="\.\.\/\.\.\/m\/[^"]+\.mp4"\n/;
const kinds: Record<string, Kind> = {
  'fmp4-pushed': { by: 'push', flags: fmp4, says: mapLine },
  'fmp4-persistent': { by: 'push', flags: [...fmp4, '-http_persistent', '1'], says: mapLine },
  'fmp4-file': { by: 'file', flags: fmp4, fileName: 'cam-%03d.m4s', says: mapLine },
  'fmp4-single-file': {
    by: 'file',
    flags: [...fmp4, '-hls_flags', 'single_file'],
    fileName: 'cam.mp4',
    says: mapLine,
  },
  'ts-single-file': { by: 'file', flags: ['-hls_flags', 'single_file'], fileName: 'cam.ts', says: /\.ts\n/ },
  'aes-128-pushed': { by: 'push', flags: encrypted, says: keyLine },
  'aes-128-file': { by: 'file', flags: encrypted, says: keyLine },
};

test('every kind of HLS that ffmpeg makes goes through intact, over a restart', async () => {
  await using nodes = await Nodes.start();
  const sources = Object.keys(kinds);
  const encode = (source: string): Running => {
    const { by, flags, fileName } = kinds[source]!;
    const common = { edgeUrl: nodes.edgeUrl, source, size: '160x90', flags };
    if (by === 'push') return pushAllWithFfmpeg(common);
    const folder = join(nodes.media, source);
    mkdirSync(folder, { recursive: true });
    return pushWithFfmpeg({ ...common, folder, ...(fileName !== undefined && { fileName }) });
  };
  const encoders = new Map(sources.map((source) => [source, encode(source)]));
  const following = new AbortController();
  const probers = new Map<string, Prober>();
  const runs: Promise<void>[] = [];
  try {
    for (const source of sources) {
      await until(`${source} is sent`, async () => (await nodes.source(source))?.['lastSegmentAt']);
      const prober = new Prober({ url: nodes.playlistUrl(source), mustAnswer200: true });
      probers.set(source, prober);
      runs.push(prober.run({ everyMs: 700, signal: following.signal }));
    }
    for (const source of sources) {
      const streams = await probeStreams(nodes.playlistUrl(source));
      expect({ source, codecs: streams.map((stream) => stream['codec_name']) }).toEqual({
        source,
        codecs: ['h264', 'aac'],
      });
    }
    const play = () => Promise.all(sources.map((source) => playWithFfmpeg(nodes.playlistUrl(source), 8)));
    expect((await play()).filter(({ code, complaints }) => code !== 0 || complaints !== '')).toEqual([]);
    for (const [source, encoder] of encoders) {
      await encoder[Symbol.asyncDispose]();
      encoders.set(source, encode(source));
    }
    await sleep(10_000);
    following.abort();
    await Promise.all(runs);
    for (const [source, prober] of probers) {
      const text = await (await fetch(nodes.playlistUrl(source))).text();
      expect({ source, violations: prober.violations, text }).toEqual({ source, violations: [], text });
      expect({ source, text }).toEqual({ source, text: expect.stringMatching(/#EXT-X-DISCONTINUITY\n/) });
      expect({ source, text }).toEqual({ source, text: expect.stringMatching(kinds[source]!.says) });
      expect({ source, text }).toEqual({ source, text: expect.not.stringContaining('EXT-X-GAP') });
    }
    expect((await play()).filter(({ code, complaints }) => code !== 0 || complaints !== '')).toEqual([]);
  } finally {
    following.abort();
    for (const encoder of encoders.values()) await encoder[Symbol.asyncDispose]();
  }
});
