import { mkdtempSync } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import {
  playWithFfmpeg,
  probeDuration,
  probeStreams,
  pushWithFfmpeg,
  segmentFiles,
} from '../support/ffmpeg.ts';
import { Nodes, until } from '../support/nodes.ts';
import { startLiveMix, startOnTerminal } from '../support/process.ts';
import { expectFilesInARow, objectsIn, RecordingsClient, sha256 } from '../support/recording.ts';

const folder = mkdtempSync(join(tmpdir(), 'livemix-e2e-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A line that is drawn over and over, taken away at the end. */
const PROGRESS = /\r\x1b\[2K[█░]{28} .*\r\x1b\[2K/;

test('real ffmpeg is recorded from the command line, replayed, downloaded, verified and rebuilt', async () => {
  await using nodes = await Nodes.start();
  const env = { LIVEMIX_CONTROL_URL: nodes.controlUrl };
  const livemix = async (...args: string[]) => {
    const running = startLiveMix(['recordings', ...args], env);
    return { code: await running.ended(), stdout: running.stdout, stderr: running.stderr };
  };
  const drawn = async (...args: string[]) => {
    const running = startOnTerminal(['recordings', ...args], env);
    return { code: await running.ended(), screen: running.stdout };
  };
  const recordings = new RecordingsClient(() => nodes.controlUrl);
  await using _ffmpeg = pushWithFfmpeg({
    edgeUrl: nodes.edgeUrl,
    source: 'gate',
    folder: nodes.media,
    fileName: 'cam-%06d.ts',
  });
  await until('the source appears', () => nodes.source('gate'));
  expect((await livemix('list', '--source', 'gate')).stdout).toContain('livemix recordings start gate');
  await sleep(4_000);

  // Recorded, from before it was asked for. A pipe gets the table alone, a terminal a progress bar before it.
  const span = ['gate', '--from', '-4s', '--until', '+6s', '--wait'];
  const [started, watched] = await Promise.all([
    livemix('start', ...span, '--title', 'one'),
    drawn('start', ...span, '--title', 'on a terminal'),
  ]);
  expect(started).toMatchObject({ code: 0, stderr: '' });
  expect(started.stdout).toMatch(/^ID .*\n\S{16} +gate +complete .* one\n$/);
  expect(watched.code).toBe(0);
  expect(watched.screen).toMatch(PROGRESS);
  expect(watched.screen).toMatch(/ \d+ % [a-z0-9]{16} recording: 0:\d\d, .*B/);
  const id = /^([a-z0-9]{16})\b/m.exec(started.stdout)![1]!;
  const { durationSeconds: length } = await recordings.get(id);
  expect(length).toBeGreaterThanOrEqual(10);
  expect((await livemix()).stdout.trim().split('\n')).toHaveLength(3);
  expect((await livemix('show', id)).stdout).toBe(started.stdout);

  // Downloaded as it was sent.
  const { segments } = await recordings.replay(id);
  const ts = join(folder, 'one.ts');
  const fetched = await livemix('download', id, '--format', 'ts', '--output', ts);
  expect(fetched).toMatchObject({ code: 0, stderr: '' });
  expectFilesInARow(await segmentFiles(nodes.media), segments, await readFile(ts));
  expect(await livemix('download', id, '--format', 'ts', '--output', ts)).toMatchObject({
    code: 1,
    stderr: `livemix: ${ts} is there already. Choose another --output.\n`,
  });

  // As one MP4, and replayed.
  const mp4 = join(folder, 'one.mp4');
  const remuxed = await drawn('download', id, '--output', mp4);
  expect(remuxed.code).toBe(0);
  expect(remuxed.screen).toMatch(PROGRESS);
  for (const at of [mp4, recordings.playlistUrl(id)]) {
    const streams = await probeStreams(at);
    expect(streams.map((stream) => stream['codec_name']).sort()).toEqual(['aac', 'h264']);
    expect(Math.abs((await probeDuration(at)) - length)).toBeLessThan(0.2);
    expect(await playWithFfmpeg(at, 60)).toEqual({ code: 0, complaints: '' });
  }

  // Verified; one object is lost behind its back, and comes back.
  const good = await livemix('verify', id);
  expect(good).toMatchObject({ code: 0, stderr: '' });
  expect(good.stdout).toBe(
    `${segments.length} objects, ${fetched.stdout.trim().split('  ')[1]}: all as they were recorded.\n`,
  );
  const store = join(nodes.folder, 'control', 'store');
  const lost = join(store, objectsIn(store)[2]!);
  await rename(lost, `${folder}/lost`);
  const bad = await livemix('verify', id);
  expect(bad.code).toBe(1);
  expect(bad.stderr).toMatch(
    new RegExp(
      `^livemix: 1 of ${segments.length} objects are gone or changed: segments \\d+\\. .*recordings show ${id}`,
    ),
  );
  expect((await livemix('show', id)).stdout).toMatch(
    / incomplete .* one\n\nGAP FROM .*\n\S+ +0:02 +object_lost\n$/,
  );
  expect(await recordings.playlist(id)).toContain('EXT-X-GAP');
  expect(await livemix('stop', id, '--wait')).toMatchObject({
    code: 1,
    stderr: `livemix: Recording ${id} lacks media.\n`,
  });
  await rename(`${folder}/lost`, lost);
  expect((await livemix('verify', id)).code).toBe(0);
  expect((await livemix('show', id)).stdout).toBe(started.stdout);

  // Named and kept. What is wrong is said, with the mend.
  expect((await livemix('rename', id, 'two gulls')).stdout).toMatch(/two gulls$/m);
  expect((await livemix('keep', id)).stdout).toContain('complete, kept');
  const nothing = 'x'.repeat(16);
  const wrong: [string[], code: number, RegExp][] = [
    [['show', nothing], 1, /There is no such recording\. See `livemix recordings`.*\(recording_unknown\)/],
    [['download', nothing], 1, /\(recording_unknown\)/],
    [['verify', nothing], 1, /\(recording_unknown\)/],
    [['list', '--source', 'nobody'], 1, /There is no source.*\(source_unknown\)/],
    [['download', id, '--rendition', 'low'], 1, /no such rendition\. It has main\. \(not_found\)/],
    [['start', 'nobody'], 1, /See `livemix sources`.*\(source_unknown\)/],
    [
      ['start', 'gate', '--from', 'yesterday'],
      1,
      /`from` is no time\. .*an offset from now: "-30s".*\(bad_time\)/,
    ],
    [['start', 'gate', '--until', '-5s'], 1, /\(bad_span\)/],
    [['download', id, '--format', 'avi'], 2, /--format.*ts or mp4/],
    [['download', id, '--output', '/nowhere/one.mp4'], 1, /\/nowhere\/one\.mp4 cannot be written \(ENOENT\)/],
    [['start'], 2, /missing required argument 'source'/],
  ];
  for (const [args, code, message] of wrong) {
    const refused = await livemix(...args);
    expect({ args, code: refused.code, stdout: refused.stdout }).toEqual({ args, code, stdout: '' });
    expect(refused.stderr).toMatch(message);
    expect(refused.stderr.trim().split('\n')).toHaveLength(1);
  }

  // Rebuilt from the store alone; not while control runs.
  const rebuild = async () => {
    const running = startLiveMix(['recordings', 'rebuild', '--data-dir', join(nodes.folder, 'control')]);
    return { code: await running.ended(), stdout: running.stdout, stderr: running.stderr };
  };
  const tooSoon = await rebuild();
  expect(tooSoon).toMatchObject({ code: 2, stdout: '' });
  expect(tooSoon.stderr).toMatch(/LIVEMIX_DATA_DIR.*is in use by process \d+\. Stop it/);
  nodes.control.signal('SIGTERM');
  expect(await nodes.control.ended()).toBe(0);
  for (const args of [['list'], ['verify', id], ['download', id]]) {
    const unreachable = await livemix(...args);
    expect(unreachable).toMatchObject({ code: 1, stdout: '' });
    expect(unreachable.stderr).toMatch(/^livemix: control at .* cannot be reached .*Is it running\?.*\n$/);
  }
  for (const name of await readdir(join(nodes.folder, 'control'))) {
    if (name.startsWith('catalog.db')) await rm(join(nodes.folder, 'control', name));
  }
  expect(await rebuild()).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^2 recordings with \d+ segments are in the catalog\.\n$/),
  });
  await nodes.startControl();
  expect(await recordings.get(id)).toMatchObject({ state: 'complete', title: 'two gulls', keep: true });
  expect((await recordings.replay(id)).segments.map(sha256)).toEqual(segments.map(sha256));
  expect(await playWithFfmpeg(recordings.playlistUrl(id), 60)).toEqual({ code: 0, complaints: '' });

  expect(await livemix('delete', id)).toMatchObject({ code: 0, stdout: `${id} is deleted.\n` });
  expect((await livemix('show', id)).code).toBe(1);
  expect((await livemix()).stdout).not.toContain(id);
});
