import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { playWithFfmpeg, probeStreams, pushWithFfmpeg } from '../support/ffmpeg.ts';
import { Nodes, until } from '../support/nodes.ts';
import { startLiveMix } from '../support/process.ts';
import { RecordingsClient, sha256 } from '../support/recording.ts';

const folder = mkdtempSync(join(tmpdir(), 'livemix-e2e-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** `livemix recordings …` against a control node. */
async function livemix(nodes: Nodes, ...args: string[]) {
  const running = startLiveMix(['recordings', ...args], { LIVEMIX_CONTROL_URL: nodes.controlUrl });
  const code = await running.ended();
  return { code, stdout: running.stdout, stderr: running.stderr };
}

/** What ffmpeg wrote, in order; the newest file may not be whole. */
async function filesOf(nodes: Nodes): Promise<readonly Buffer[]> {
  const names = (await readdir(nodes.media)).filter((name) => name.endsWith('.ts')).sort();
  return Promise.all(names.map((name) => readFile(join(nodes.media, name))));
}

/** The snippet is so many of the encoder's files in a row, byte for byte. */
async function expectInARow(nodes: Nodes, segments: readonly Buffer[], bytes: Buffer): Promise<void> {
  const files = await filesOf(nodes);
  const digests = files.map(sha256);
  const first = digests.indexOf(sha256(segments[0]!));
  expect(segments.map(sha256)).toEqual(digests.slice(first, first + segments.length));
  const whole = createHash('sha256').update(Buffer.concat(files.slice(first, first + segments.length)));
  expect(sha256(bytes)).toBe(whole.digest('hex'));
}

test('real ffmpeg is recorded from the command line, replayed, downloaded, verified and rebuilt', async () => {
  await using nodes = await Nodes.start();
  await using _ffmpeg = pushWithFfmpeg({
    edgeUrl: nodes.edgeUrl,
    source: 'gate',
    folder: nodes.media,
    fileName: 'cam-%06d.ts',
  });
  await until('the source appears', () => nodes.source('gate'));
  await sleep(4_000);

  const started = await livemix(
    nodes,
    'start',
    'gate',
    '--from',
    '-4s',
    '--until',
    '+6s',
    '--title',
    'one',
    '--wait',
  );
  expect(started).toMatchObject({ code: 0, stderr: '' });
  expect(started.stdout).toMatch(/ complete .* one$/m);
  const id = /^([a-z0-9]{16})\b/m.exec(started.stdout)![1]!;
  expect((await livemix(nodes)).stdout).toContain(id);

  const recordings = new RecordingsClient(() => nodes.controlUrl);
  const { segments } = await recordings.replay(id);
  const ts = join(folder, 'one.ts');
  expect(await livemix(nodes, 'download', id, '--format', 'ts', '--output', ts)).toMatchObject({ code: 0 });
  await expectInARow(nodes, segments, await readFile(ts));

  const mp4 = join(folder, 'one.mp4');
  expect(await livemix(nodes, 'download', id, '--output', mp4)).toMatchObject({ code: 0 });
  expect((await livemix(nodes, 'download', id, '--output', mp4)).stderr).toContain('is there already');
  const length = (await recordings.get(id)).durationSeconds;
  for (const at of [mp4, recordings.playlistUrl(id)]) {
    const streams = await probeStreams(at);
    expect(streams.map((stream) => stream['codec_name']).sort()).toEqual(['aac', 'h264']);
    expect(await playWithFfmpeg(at, 60)).toEqual({ code: 0, complaints: '' });
  }
  const [video] = (await probeStreams(mp4)).filter((stream) => stream['codec_type'] === 'video');
  expect(Number(video!['duration'])).toBeCloseTo(length, 0);

  expect((await livemix(nodes, 'verify', id)).stdout).toMatch(/all as they were recorded/);
  expect((await livemix(nodes, 'rename', id, 'two')).stdout).toContain('two');
  expect((await livemix(nodes, 'keep', id)).stdout).toContain('complete, kept');
  expect(await livemix(nodes, 'show', 'x'.repeat(16))).toMatchObject({ code: 1 });
  expect((await livemix(nodes, 'start', 'gate', '--from', 'yesterday')).stderr).toContain(
    'an offset from now',
  );

  const data = ['--data-dir', join(nodes.folder, 'control')];
  const rebuild = () => startLiveMix(['recordings', 'rebuild', ...data]);
  expect(await rebuild().ended()).toBe(2);
  nodes.control.signal('SIGTERM');
  await nodes.control.ended();
  for (const name of await readdir(join(nodes.folder, 'control'))) {
    if (name.startsWith('catalog.db')) await rm(join(nodes.folder, 'control', name));
  }
  const rebuilding = rebuild();
  expect(await rebuilding.ended()).toBe(0);
  expect(rebuilding.stdout).toMatch(/^1 recordings with \d+ segments/);
  await nodes.startControl();
  expect(await recordings.get(id)).toMatchObject({ state: 'complete', title: 'two', keep: true });
  expect((await recordings.replay(id)).segments.map(sha256)).toEqual(segments.map(sha256));
  expect((await livemix(nodes, 'delete', id)).code).toBe(0);
  expect(await recordings.ask('GET', `/${id}`)).toMatchObject({ status: 404 });
});

test('a recording of a minute ends complete although control dies for 20 s and the edge is killed', async () => {
  await using nodes = await Nodes.start();
  await using _ffmpeg = pushWithFfmpeg({
    edgeUrl: nodes.edgeUrl,
    source: 'gate',
    folder: nodes.media,
    fileName: 'cam-%06d.ts',
  });
  await until('the source appears', () => nodes.source('gate'));
  const recordings = new RecordingsClient(() => nodes.controlUrl);
  const { id } = await recordings.start({ source: 'gate', until: '+60s' });
  await sleep(15_000);
  nodes.control.signal('SIGKILL');
  await nodes.control.ended();
  await sleep(10_000);
  nodes.edge.signal('SIGKILL');
  await nodes.edge.ended();
  await nodes.startEdge();
  await sleep(10_000);
  await nodes.startControl();

  const recording = await recordings.ended(id, 60_000);
  expect(recording).toMatchObject({ state: 'complete', gaps: [] });
  expect(recording.durationSeconds).toBeGreaterThanOrEqual(60);
  const { text, segments } = await recordings.replay(id);
  expect(text).not.toContain('EXT-X-GAP');
  expect(text).not.toContain('EXT-X-DISCONTINUITY\n');
  await expectInARow(nodes, segments, await recordings.download(id));
});
