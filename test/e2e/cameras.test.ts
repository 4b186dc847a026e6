import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { CommandSource, ffmpegsOf } from '../support/command-source.ts';
import { playWithFfmpeg, probeStreams } from '../support/ffmpeg.ts';
import { Nodes, until } from '../support/nodes.ts';
import { Prober } from '../support/prober.ts';
import { Running } from '../support/process.ts';
import { RtspCamera } from '../support/rtsp-camera.ts';

const commandProcess = fileURLToPath(new URL('../support/command-process.mjs', import.meta.url));
const codecsOf = async (url: string) => (await probeStreams(url)).map((stream) => stream['codec_name']);
const textOf = async (url: string) => (await fetch(url)).text();
const isSent = (nodes: Nodes, source: string) =>
  until(`${source} is sent`, async () => (await nodes.source(source))?.['lastSegmentAt'], 60_000);

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** ffmpeg as an encoder that sends H.264 and AAC somewhere in real time. */
const encoder = (...output: string[]) =>
  new Running('ffmpeg', [
    ...['-nostdin', '-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=25'],
    ...['-re', '-f', 'lavfi', '-i', 'sine=440:sample_rate=48000', '-c:v', 'libx264', '-preset', 'ultrafast'],
    ...['-tune', 'zerolatency', '-g', '50', '-sc_threshold', '0', '-c:a', 'aac', ...output],
  ]);

test('a camera by RTSP is watched at control, over its restart, and its password is nowhere to be seen', async () => {
  const ingestToken = 'a-token-of-the-test-0123456789';
  const password = "it's:a pass@word";
  await using camera = await RtspCamera.start({ password });
  const url = camera.url.replace('://', `://admin:${encodeURIComponent(password)}@`);
  const folder = mkdtempSync(join(tmpdir(), 'livemix-cameras-'));
  const config = join(folder, 'edge.yaml');
  writeFileSync(config, `sources:\n  gate: ${JSON.stringify(url)}\n`);
  await using nodes = await Nodes.start({
    edge: { LIVEMIX_INGEST_TOKEN: ingestToken },
    edgeArgs: ['--config', config],
  });
  const following = new AbortController();
  const troubles = new Set<string>();
  const look = async () => {
    const shown = JSON.stringify((await nodes.source('gate'))?.['trouble'] ?? {});
    troubles.add(shown);
    return shown;
  };
  try {
    await isSent(nodes, 'gate');
    const [line, ...more] = ffmpegsOf('gate');
    expect(more).toEqual([]);
    const playlist = nodes.playlistUrl('gate');
    const prober = new Prober({ url: playlist, mustAnswer200: true, timestamps: true });
    const probing = prober.run({ everyMs: 700, signal: following.signal });
    expect(await codecsOf(playlist)).toEqual(['h264', 'aac']);
    expect(await playWithFfmpeg(playlist, 8)).toEqual({ code: 0, complaints: '' });
    expect(await textOf(playlist)).not.toMatch(/DISCONTINUITY\n[\s\S]*DISCONTINUITY\n/);

    await camera.kill();
    await until(
      'it is told that nobody listens',
      async () => (await look()).includes('Nothing listens there'),
      40_000,
    );
    expect(await look()).toContain('input_failed');
    await camera.restart();
    const again = /\.ts\n#EXT-X-DISCONTINUITY\n/;
    await until('a new run plays', async () => again.test(await textOf(playlist)), 60_000);
    expect(await playWithFfmpeg(playlist, 8)).toMatchObject({ code: 0 });
    await until('the trouble is over', async () => (await look()) === '{}');
    following.abort();
    await probing;
    expect(prober.violations).toEqual([]);
    const told = [line, nodes.edge.stderr, nodes.control.stderr, ...troubles].join('\n');
    for (const secret of ['admin', 'pass@', 'pass%40', encodeURIComponent(password), ingestToken]) {
      expect({ secret, told: told.includes(secret) }).toEqual({ secret, told: false });
    }
    // What is taken out of the file ends.
    writeFileSync(config, 'sources: {}\n');
    nodes.edge.signal('SIGHUP');
    await until('ffmpeg has ended', () => ffmpegsOf('gate').length === 0);
  } finally {
    following.abort();
    await rm(folder, { recursive: true, force: true });
  }
});

test('a camera that freezes is told of, and is back when it wakes', async () => {
  await using camera = await RtspCamera.start({ sound: 'none' });
  await using nodes = await Nodes.start();
  await using yard = new CommandSource('yard', { url: nodes.edgeUrl }, { input: ['-i', camera.url] });
  await isSent(nodes, 'yard');
  camera.signal('SIGSTOP');
  await until('it is told of', () => yard.troubles.length > 0, 40_000);
  const frozenAt = (await nodes.source('yard'))?.['lastSegmentAt'];
  camera.signal('SIGCONT');
  await until(
    'it is taken in again',
    async () => (await nodes.source('yard'))?.['lastSegmentAt'] !== frozenAt,
    60_000,
  );
  expect(yard.troubles.map(({ code }) => code)).toEqual(
    expect.arrayContaining([expect.stringMatching(/^input_(failed|stalled)$/)]),
  );
});

test('the picture of a camera with G.711 sound plays, and it is said why nothing is heard', async () => {
  await using camera = await RtspCamera.start({ sound: 'pcmu' });
  await using nodes = await Nodes.start();
  await using hall = new CommandSource('hall', { url: nodes.edgeUrl }, { input: ['-i', camera.url] });
  await isSent(nodes, 'hall');
  expect(await codecsOf(nodes.playlistUrl('hall'))).toEqual(['h264']);
  expect(hall.lasting).toMatchObject({
    code: 'sound_unplayable',
    detail: expect.stringContaining('pcm_mulaw'),
    hint: expect.stringContaining('"-c:a", "aac"'),
  });
  // Nothing of the start with the sound was sent.
  const metrics = await textOf(`${nodes.edgeUrl}/metrics`);
  expect(metrics).toContain('livemix_edge_ingest_runs_total{source="hall"} 1\n');
  await hall.stop();
  expect(hall.lasting).toBeUndefined();

  const output = ['-c:v', 'copy', '-c:a', 'aac'];
  await using heard = new CommandSource(
    'heard',
    { url: nodes.edgeUrl },
    { input: ['-i', camera.url], output },
  );
  await isSent(nodes, 'heard');
  expect(await codecsOf(nodes.playlistUrl('heard'))).toEqual(['h264', 'aac']);
  expect(heard.lasting).toBeUndefined();
});

test('encoders that speak SRT and RTMP, calling or called, and MPEG-TS over UDP are watched at control', async () => {
  await using nodes = await Nodes.start();
  const [called, calling, rtmp, udp] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const passphrase = 'passphrase=0123456789abc';
  const inputs: Record<string, readonly string[]> = {
    'srt-called': ['-i', `srt://127.0.0.1:${called}?mode=caller&${passphrase}`],
    'srt-calling': ['-i', `srt://127.0.0.1:${calling}?mode=listener`],
    'rtmp-calling': ['-listen', '1', '-i', `rtmp://127.0.0.1:${rtmp}/live/key`],
    udp: ['-i', `udp://127.0.0.1:${udp}`],
  };
  const sources = Object.entries(inputs).map(
    ([name, input]) => new CommandSource(name, { url: nodes.edgeUrl }, { input }),
  );
  const encoders: Running[] = [];
  try {
    // Who listens must be there first.
    await until('all are started', () => sources.every(({ name }) => ffmpegsOf(name).length > 0));
    encoders.push(
      encoder('-f', 'mpegts', `srt://127.0.0.1:${called}?mode=listener&${passphrase}`),
      encoder('-f', 'mpegts', `srt://127.0.0.1:${calling}?mode=caller`),
      encoder('-f', 'flv', `rtmp://127.0.0.1:${rtmp}/live/key`),
      encoder('-f', 'mpegts', `udp://127.0.0.1:${udp}?pkt_size=1316`),
    );
    for (const { name, commands } of sources) {
      await isSent(nodes, name);
      expect([name, await codecsOf(nodes.playlistUrl(name))]).toEqual([name, ['h264', 'aac']]);
      expect(commands.join()).not.toContain('0123456789abc');
    }
    expect(ffmpegsOf('srt-called').join()).not.toContain('0123456789abc');
    const played = await Promise.all(
      sources.map(async ({ name }) => ({ name, ...(await playWithFfmpeg(nodes.playlistUrl(name), 6)) })),
    );
    expect(played).toEqual(sources.map(({ name }) => ({ name, code: 0, complaints: '' })));
  } finally {
    for (const source of sources) await source.stop();
    for (const each of encoders) await each[Symbol.asyncDispose]();
  }
  for (const { name } of sources) expect(ffmpegsOf(name)).toEqual([]);
});

/** A camera that needs no other process. */
const PICTURE = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=25'];
const bringIn = (name: string, url: string, env: Record<string, string> = {}) =>
  new Running(process.execPath, [commandProcess, name, url, ...PICTURE], env);

test('an edge that is killed takes its ffmpeg with it', async () => {
  await using nodes = await Nodes.start();
  await using edge = bringIn('tied', nodes.edgeUrl);
  await isSent(nodes, 'tied');
  expect(ffmpegsOf('tied')).toHaveLength(1);
  edge.signal('SIGKILL');
  await until('ffmpeg has ended', () => ffmpegsOf('tied').length === 0, 2_000);
});

test('where nothing ties it to its edge, ffmpeg ends by itself when the edge takes nothing any more', async () => {
  await using nodes = await Nodes.start();
  // A machine without setpriv.
  const bin = join(nodes.folder, 'bin');
  mkdirSync(bin);
  symlinkSync('/usr/bin/ffmpeg', join(bin, 'ffmpeg'));
  await using edge = bringIn('untied', nodes.edgeUrl, { PATH: bin });
  await isSent(nodes, 'untied');
  edge.signal('SIGKILL');
  await edge.ended();
  expect(ffmpegsOf('untied')).toHaveLength(1);
  nodes.edge.signal('SIGKILL');
  await until('ffmpeg has ended', () => ffmpegsOf('untied').length === 0, 10_000);
});
