import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pushWithFfmpeg } from '../support/ffmpeg.ts';
import { Nodes, until } from '../support/nodes.ts';
import { expectFfmpegToPlay, expectPictureAndSound, probeAll } from '../support/plays-intact.ts';
import { Prober } from '../support/prober.ts';
import { Probers } from '../support/probers.ts';

const moods: Record<string, { flags?: string[]; fileName?: string; keyFrames?: string[] }> = {
  plain: {},
  delete_segments: { flags: ['-hls_flags', 'delete_segments'] },
  program_date_time: { flags: ['-hls_flags', 'program_date_time'] },
  append_list: { flags: ['-hls_flags', 'append_list'] },
  independent_segments: { flags: ['-hls_flags', 'independent_segments'] },
  strftime: { flags: ['-strftime', '1'], fileName: 'cam-%Y%m%d-%H%M%S.ts' },
};

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('stock ffmpeg in all its moods is taken in, and ffmpeg and ffprobe play what control serves', async () => {
  await using nodes = await Nodes.start();
  await using stack = new Disposables();
  const sources = Object.keys(moods);
  await using probers = new Probers();
  for (const [source, mood] of Object.entries(moods)) {
    const folder = join(nodes.media, source);
    mkdirSync(folder);
    stack.use(pushWithFfmpeg({ edgeUrl: nodes.edgeUrl, source, folder, size: '160x90', ...mood }));
  }
  await probeAll(probers, nodes, sources, { timestamps: true });
  await expectPictureAndSound(nodes, sources);
  await expectFfmpegToPlay(nodes, sources, 10);
  await probers.stop();
  for (const [source, prober] of probers.all) {
    expect({ source, violations: prober.violations }).toEqual({ source, violations: [] });
    expect(prober.playlist?.segments.length).toBeGreaterThanOrEqual(6);
  }
  for (const source of ['plain', 'program_date_time', 'strftime']) {
    const folder = join(nodes.media, source);
    const files = await Promise.all(
      (await readdir(folder)).map(async (name) => sha256(await readFile(join(folder, name)))),
    );
    const text = await (await fetch(nodes.playlistUrl(source))).text();
    for (const uri of text.split('\n').filter((line) => line.startsWith('../'))) {
      const served = await fetch(new URL(uri, nodes.playlistUrl(source)));
      expect(files).toContain(sha256(new Uint8Array(await served.arrayBuffer())));
    }
  }
});

test('ffmpeg without -g makes long segments: they are listed and played, the target duration never falls', async () => {
  await using nodes = await Nodes.start();
  await using _ffmpeg = pushWithFfmpeg({
    edgeUrl: nodes.edgeUrl,
    source: 'long',
    folder: nodes.media,
    size: '160x90',
    keyFrames: [],
  });
  await until('the source appears', () => nodes.source('long'), 30_000);
  const prober = new Prober({ url: nodes.playlistUrl('long'), mustAnswer200: true });
  await until(
    'two long segments are listed',
    async () => {
      await prober.poll();
      return (prober.playlist?.segments.length ?? 0) >= 2;
    },
    40_000,
  );
  expect(prober.violations).toEqual([]);
  expect(
    (await fetch(nodes.playlistUrl('long')).then((answer) => answer.text())).match(
      /TARGETDURATION:(\d+)/,
    )?.[1],
  ).toBe('10');
});

test('ffmpeg is stopped and started again: the list goes on with a discontinuity and never ends', async () => {
  await using nodes = await Nodes.start();
  const push = { edgeUrl: nodes.edgeUrl, source: 'again', folder: nodes.media, size: '160x90' };
  const prober = new Prober({ url: nodes.playlistUrl('again') });
  {
    await using first = pushWithFfmpeg(push);
    await until('the source appears', () => nodes.source('again'));
    await until('three segments', async () => {
      await prober.poll();
      return (prober.playlist?.segments.length ?? 0) >= 3;
    });
    first.signal('SIGTERM');
    await first.ended();
  }
  await using _second = pushWithFfmpeg(push);
  await until(
    'the second run is listed',
    async () => {
      await prober.poll();
      const text = await (await fetch(nodes.playlistUrl('again'))).text();
      expect(text).not.toContain('ENDLIST');
      return text.split('#EXT-X-DISCONTINUITY\n').length >= 3;
    },
    30_000,
  );
  expect(prober.violations).toEqual([]);
});

class Disposables implements AsyncDisposable {
  readonly #all: AsyncDisposable[] = [];
  use(one: AsyncDisposable): void {
    this.#all.push(one);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((one) => one[Symbol.asyncDispose]()));
  }
}
