import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Browser } from '../support/chromium.ts';
import {
  playWithFfmpeg,
  probeSpan,
  probeStreams,
  pushAllWithFfmpeg,
  pushWithFfmpeg,
} from '../support/ffmpeg.ts';
import { Nodes, until } from '../support/nodes.ts';
import { startPlayerSite } from '../support/player-page.ts';
import {
  expectFfmpegToPlay,
  expectPictureAndSound,
  probeAll,
  restartEncoders,
} from '../support/plays-intact.ts';
import { allPlayOn, openPlayers } from '../support/plays-on.ts';
import { Probers } from '../support/probers.ts';
import type { Running } from '../support/process.ts';
import { RecordingsClient } from '../support/recording.ts';

type Kind = {
  /** `push`: segments go over HTTP; `file`: the edge reads them from a folder. */
  readonly by: 'push' | 'file';
  readonly flags: readonly string[];
  readonly fileName?: string;
  /** What its playlist must say. */
  readonly says: RegExp;
};

const fmp4 = ['-hls_segment_type', 'fmp4'];
/** An encoder that counts from when its machine was started. */
const uptime = ['-output_ts_offset', '100000'];
const encrypted = ['-hls_enc', '1', '-hls_enc_key', '0123456789abcdef'];
const keyLine = /#EXT-X-KEY:METHOD=AES-128,URI="\.\.\/\.\.\/m\/[^"]+\.key",IV=0x[0-9a-f]{32}\n/i;
const mapLine = /#EXT-X-MAP:URI="\.\.\/\.\.\/m\/[^"]+\.(?:mp4|m4s)"\n/;
const kinds: Record<string, Kind> = {
  'fmp4-pushed': { by: 'push', flags: [...fmp4, ...uptime], says: mapLine },
  'fmp4-persistent': { by: 'push', flags: [...fmp4, '-http_persistent', '1'], says: mapLine },
  'fmp4-file': { by: 'file', flags: fmp4, fileName: 'cam-%03d.m4s', says: mapLine },
  'fmp4-single-file': {
    by: 'file',
    flags: [...fmp4, '-hls_flags', 'single_file'],
    fileName: 'cam.mp4',
    says: mapLine,
  },
  'ts-single-file': { by: 'file', flags: ['-hls_flags', 'single_file'], fileName: 'cam.ts', says: /\.ts\n/ },
  'fmp4-single-file-pushed': { by: 'push', flags: [...fmp4, '-hls_flags', 'single_file'], says: mapLine },
  'ts-single-file-pushed': { by: 'push', flags: ['-hls_flags', 'single_file'], says: /\.ts\n/ },
  'aes-128-pushed': { by: 'push', flags: encrypted, says: keyLine },
  'aes-128-file': { by: 'file', flags: encrypted, says: keyLine },
};

/** Shaka 5.2 goes through an index that is empty for a moment after a reload, says so, and plays on (docs/players.md). */
const SHAKA_STUMBLES = /^TypeError: Result of the Symbol\.iterator method is not an object\n/;

/** A few at a time: each has an encoder, a prober and two players, more at once starve on two cores. */
const groups = [0, 1, 2].map((group) => ({
  sources: Object.keys(kinds).filter((_, index) => index % 3 === group),
}));

test.each(groups)('$sources go through intact, over a restart', async ({ sources }) => {
  await using nodes = await Nodes.start();
  const encode = (source: string): Running => {
    const { by, flags, fileName } = kinds[source]!;
    const common = { edgeUrl: nodes.edgeUrl, source, size: '160x90', flags };
    if (by === 'push') return pushAllWithFfmpeg(common);
    const folder = join(nodes.media, source);
    mkdirSync(folder, { recursive: true });
    return pushWithFfmpeg({ ...common, folder, ...(fileName !== undefined && { fileName }) });
  };
  await using site = await startPlayerSite();
  await using browser = await Browser.start();
  const encoders = new Map(sources.map((source) => [source, encode(source)]));
  await using probers = new Probers();
  try {
    await probeAll(probers, nodes, sources);
    await expectPictureAndSound(nodes, sources);
    await expectFfmpegToPlay(nodes, sources, 8);
    const pages = await openPlayers(browser, site, nodes, sources);
    await allPlayOn(pages, 'the start');
    const recordings = new RecordingsClient(() => nodes.controlUrl);
    const spans = await Promise.all(
      sources.map((source) => recordings.start({ source, from: '-6s', until: '+1s' })),
    );
    await sleep(4_000);
    await restartEncoders(nodes, encoders, encode);
    await allPlayOn(pages, 'an encoder restart');
    await probers.stop();
    for (const [source, prober] of probers.all) {
      const text = await (await fetch(nodes.playlistUrl(source))).text();
      expect({ source, violations: prober.violations, text }).toEqual({ source, violations: [], text });
      expect({ source, text }).toEqual({
        source,
        text: expect.stringMatching(/#EXT-X-DISCONTINUITY(?:\n|-SEQUENCE:[2-9])/),
      });
      expect({ source, text }).toEqual({ source, text: expect.stringMatching(kinds[source]!.says) });
      expect({ source, text }).toEqual({ source, text: expect.not.stringContaining('EXT-X-GAP') });
    }
    await expectFfmpegToPlay(nodes, sources, 8);
    const fatal: Record<string, readonly unknown[]> = {};
    for (const [player, page] of pages) {
      const errors = (await page.evaluate('window.fatal')) as readonly unknown[];
      const serious = errors.filter((error) => !SHAKA_STUMBLES.test(String(error)));
      if (serious.length > 0) fatal[player] = [...new Set(serious)];
    }
    expect(fatal).toEqual({});
    for (const { id, source } of spans) await expectRecorded(recordings, id, source);
  } finally {
    for (const encoder of encoders.values()) await encoder[Symbol.asyncDispose]();
  }
});

/** Replayed as it was live; as one file where that can be. */
async function expectRecorded(recordings: RecordingsClient, id: string, source: string): Promise<void> {
  await until(`${source} is recorded`, async () => (await recordings.get(id)).state === 'complete');
  const url = recordings.playlistUrl(id);
  const text = await (await fetch(url)).text();
  expect({ source, text }).toEqual({ source, text: expect.stringMatching(kinds[source]!.says) });
  expect({ source, ...(await playWithFfmpeg(url, 60)) }).toEqual({ source, code: 0, complaints: '' });
  const download = (extension: string) => url.replace('index.m3u8', `download.${extension}`);
  if (source.startsWith('aes')) {
    const refused = await fetch(download('ts'));
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ code: 'download_impossible' });
    return;
  }
  const { durationSeconds } = await recordings.get(id);
  const wanted = source.startsWith('fmp4') ? ['mp4'] : ['ts', 'mp4'];
  for (const extension of wanted) {
    const head = await fetch(download(extension));
    expect({ source, refused: head.ok ? '' : await head.text(), text }).toEqual({
      source,
      refused: '',
      text,
    });
    await head.body?.cancel();
    const streams = await probeStreams(download(extension));
    expect(streams.map((stream) => stream['codec_name'])).toEqual(['h264', 'aac']);
    expect({ source, ...(await playWithFfmpeg(download(extension), 60)) }).toEqual({
      source,
      code: 0,
      complaints: '',
    });
    if (extension !== 'mp4') continue;
    // Whatever its encoder counts from, the file begins at 0, and lasts as long as the recording.
    const span = await probeSpan(download(extension));
    expect({ source, begins: span.start.toFixed(1) }).toEqual({ source, begins: '0.0' });
    expect(Math.abs(span.duration - durationSeconds), source).toBeLessThan(0.5);
  }
  expect(durationSeconds).toBeGreaterThan(6);
  if (wanted.includes('ts')) return;
  expect((await fetch(download('ts'))).status).toBe(409);
}
