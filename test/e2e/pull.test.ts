import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { Encoder } from '../support/encoder.ts';
import { writeWithFfmpeg } from '../support/ffmpeg.ts';
import { HlsServer } from '../support/hls-server.ts';
import { Nginx } from '../support/nginx.ts';
import { Nodes, until } from '../support/nodes.ts';
import {
  expectFfmpegToPlay,
  expectPictureAndSound,
  probeAll,
  restartEncoders,
} from '../support/plays-intact.ts';
import { Probers } from '../support/probers.ts';
import { startLiveMix } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'livemix-pull-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const fmp4 = ['-hls_segment_type', 'fmp4'];
const kinds: Record<string, { flags?: readonly string[]; fileName?: string; says: RegExp }> = {
  ts: { says: /\.ts\n/ },
  fmp4: { flags: fmp4, fileName: 'cam-%03d.m4s', says: /#EXT-X-MAP:URI="\.\.\/\.\.\/m\/[^"]+\.mp4"\n/ },
  'fmp4-single-file': {
    flags: [...fmp4, '-hls_flags', 'single_file'],
    fileName: 'cam.mp4',
    says: /#EXT-X-MAP:/,
  },
  'ts-single-file': { flags: ['-hls_flags', 'single_file'], fileName: 'cam.ts', says: /\.ts\n/ },
  'aes-128': {
    flags: ['-hls_key_info_file', join(folder, 'key.info')],
    says: /#EXT-X-KEY:METHOD=AES-128,URI="\.\.\/\.\.\/m\/[^"]+\.key",IV=0x[0-9a-f]{32}\n/i,
  },
};

test('every kind of HLS that ffmpeg writes is pulled from nginx, over a restart, and plays intact', async () => {
  const web = join(folder, 'web');
  const sources = Object.keys(kinds);
  for (const source of sources) mkdirSync(join(web, source), { recursive: true });
  writeFileSync(join(web, 'aes-128', 'cam.key'), '0123456789abcdef');
  writeFileSync(join(folder, 'key.info'), `cam.key\n${join(web, 'aes-128', 'cam.key')}\n`);
  await using nginx = await Nginx.start(web);
  const config = join(folder, 'kinds.yaml');
  const lines = sources.map((source) => `  ${source}: ${nginx.origin}/${source}/index.m3u8\n`);
  writeFileSync(config, `sources:\n${lines.join('')}`);
  const encode = (source: string) => writeWithFfmpeg({ ...kinds[source], folder: join(web, source) });
  const encoders = new Map(sources.map((source) => [source, encode(source)]));
  const begunAt = performance.now();
  await using nodes = await Nodes.start({ edgeArgs: ['--config', config] });
  await using probers = new Probers();
  try {
    await probeAll(probers, nodes, sources);
    await expectPictureAndSound(nodes, sources);
    await expectFfmpegToPlay(nodes, sources, 8);
    await restartEncoders(nodes, encoders, encode);
    await expectFfmpegToPlay(nodes, sources, 8);
    await probers.stop();
    for (const [source, prober] of probers.all) {
      const text = await (await fetch(nodes.playlistUrl(source))).text();
      expect({ source, violations: prober.violations, text }).toEqual({ source, violations: [], text });
      expect({ source, text }).toEqual({ source, text: expect.stringMatching(kinds[source]!.says) });
      expect({ source, text }).toEqual({ source, text: expect.not.stringContaining('EXT-X-GAP') });
    }
    const asked = await nginx.asked();
    expect(asked).toContainEqual(expect.stringMatching(/^GET \/ts\/index\.m3u8 304$/));
    const polls = asked.filter((line) => line.startsWith('GET /ts/index.m3u8'));
    // Two seconds after a change, one second after none: never more often than that.
    expect(polls.length).toBeLessThan((performance.now() - begunAt) / 1000 + 2);
  } finally {
    for (const encoder of encoders.values()) await encoder[Symbol.asyncDispose]();
  }
});

/** A camera that makes a segment a second until it is told to end. */
async function filming(encoder: Encoder, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await encoder.make();
    await sleep(1_000, undefined, { signal }).catch(() => undefined);
  }
}

test('SIGHUP brings sources in, changes them and ends them; the others are not touched, and a wrong line is told', async () => {
  await using encoder = new Encoder({ edgeUrl: '' });
  await using camera = await HlsServer.start(() => encoder.folder);
  camera.playlist = () => encoder.playlist();
  const ending = new AbortController();
  const film = filming(encoder, ending.signal);
  const config = join(folder, 'edge.yaml');
  const write = (...sources: string[]) => writeFileSync(config, ['sources:', ...sources, ''].join('\n'));
  const url = (name: string) => `${camera.url.replace('//', '//me:s3cret@')}?${name}`;
  write(`  gate: ${url('gate')}`, `  yard: ${url('yard')}`);
  await using nodes = await Nodes.start({ edgeArgs: ['--config', config] });
  const shown = async (name: string) => (await nodes.source(name)) as Record<string, never> | undefined;
  const isLive = async (name: string) =>
    ((await (await fetch(`${nodes.edgeUrl}/v1/sources`)).json()) as { name: string; state: string }[]).some(
      (source) => source.name === name && source.state === 'live',
    );
  const polled = (query: string) => camera.polls.filter((each) => each.url.endsWith(`?${query}`)).length;
  const logged = (pattern: RegExp) => nodes.edge.stderr.match(pattern)?.length ?? 0;
  try {
    for (const name of ['gate', 'yard']) await until(`${name} is live`, () => isLive(name));

    write(
      `  gate: ${url('gate')}`,
      `  yard: ${url('other')}`,
      `  pier: { input: "${url('pier')}", pull: on-demand }`,
      `  shed: { inptu: "${url('shed')}" }`,
    );
    nodes.edge.signal('SIGHUP');
    await until('the changed one is polled elsewhere', () => polled('other') > 0);
    await until('the new one stands by', async () => (await shown('pier'))?.['state'] === 'idle');
    const shed = await until('the wrong one is shown', () => shown('shed'));
    expect(shed['trouble']).toEqual({
      code: 'source_misconfigured',
      detail: 'edge.yaml:5: a source has no "inptu".',
      hint: 'Did you mean input?',
    });
    expect(nodes.edge.stderr).toContain('edge.yaml:5: a source has no \\"inptu\\"');
    await until('it is live again', () => isLive('yard'));
    expect(polled('pier')).toBe(0);

    writeFileSync(config, 'sources:\n  gate: [\n');
    nodes.edge.signal('SIGHUP');
    await nodes.edge.printed(/edge\.yaml:[23]:.*all goes on as it was/);
    expect(await isLive('gate')).toBe(true);

    write(`  gate: ${url('gate')}`);
    nodes.edge.signal('SIGHUP');
    await until('the one that is gone ends', () => logged(/"source":"yard"[^\n]*no longer brings/g) === 2);
    await until('the wrong one is forgotten', async () => {
      const sources = (await (await fetch(`${nodes.edgeUrl}/v1/sources`)).json()) as { name: string }[];
      return !sources.some(({ name }) => name === 'shed');
    });
    const before = polled('gate');
    await until('the one that was never touched is polled on', () => polled('gate') > before + 1);
    expect(logged(/"source":"gate"[^\n]*an encoder began/g)).toBe(1);
    expect(logged(/"source":"gate"[^\n]*begins to bring/g)).toBe(1);
    expect(nodes.edge.stderr).not.toMatch(/s3cret|bWU6/);
    nodes.edge.signal('SIGTERM');
    expect(await nodes.edge.ended()).toBe(0);
  } finally {
    ending.abort();
    await film;
  }
});

test('a file that is no YAML, or whose sources are none, ends the start with its line', async () => {
  for (const [text, message] of [
    ['sources:\n  a: [', /edge\.yaml:2:.*Mend the YAML/],
    ['listen: 127.0.0.1:0\nsources: rtsp://a/', /edge\.yaml:2: These are no sources/],
  ] as const) {
    const config = join(folder, 'edge.yaml');
    writeFileSync(config, text);
    await using edge = startLiveMix(['edge', '--config', config], {
      LIVEMIX_DATA_DIR: join(folder, 'wrong'),
    });
    expect(await edge.ended()).toBe(2);
    expect(edge.stderr.trim()).toMatch(message);
    expect(edge.stderr.trim()).not.toContain('\n');
  }
});
