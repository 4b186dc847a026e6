import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { FfmpegMissing, FfmpegProgram, ffmpegEnvironment } from './ffmpeg-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'livemix-ffmpeg-'));
afterAll(() => rmSync(folder, { recursive: true }));
const env = { PATH: '/usr/bin:/bin' };

/** A program that answers when it is asked for its version. */
function program(name: string, script: string, mode = 0o755): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, mode);
  return path;
}

test.each([
  ['ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026', 5],
  ['ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright', 4],
  ['ffmpeg version n7.1 Copyright', 7],
  ['ffmpeg version N-118193-g5f38c82 Copyright', Number.POSITIVE_INFINITY],
])('%s is version %s', async (says, major) => {
  const path = program('versioned', `echo '${says}'`);
  const found = await new FfmpegProgram(path, env).find();
  expect(found.major).toBe(major);
  expect(found.words.at(-1)).toBe(path);
});

test('where there is no ffmpeg it is said, and looked for again', async () => {
  const ffmpeg = new FfmpegProgram(join(folder, 'later'), env);
  await expect(ffmpeg.find()).rejects.toEqual(new FfmpegMissing('It is not there.'));
  program('later', 'echo ffmpeg version 6.0');
  expect((await ffmpeg.find()).major).toBe(6);
});

test('one that cannot be used says why', async () => {
  const why = (path: string) => new FfmpegProgram(path, env).find().catch(({ message }: Error) => message);
  expect(await why(program('plain', '', 0o644))).toBe('It may not be executed.');
  expect(await why(program('broken', 'exit 127'))).toBe(
    'It ended with 127 when it was asked for its version.',
  );
});

test('it is found on the PATH it is given', async () => {
  program('my-ffmpeg', 'echo ffmpeg version 5.0');
  const found = await new FfmpegProgram('my-ffmpeg', { PATH: `${folder}:/usr/bin:/bin` }).find();
  expect(found.major).toBe(5);
});

test('ffmpeg is given nothing that is the edge’s own', () => {
  const all = {
    PATH: '/bin',
    DISPLAY: ':0',
    LIVEMIX_EDGE_TOKEN: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
    NODE_OPTIONS: 'x',
    FFREPORT: 'file=x',
    no_proxy: 'example.org',
    gone: undefined,
  };
  expect(ffmpegEnvironment(all, '127.0.0.1')).toEqual({
    PATH: '/bin',
    DISPLAY: ':0',
    no_proxy: 'example.org,127.0.0.1',
  });
});
