import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import type { Trouble } from '../../../media/error.ts';
import { FakeClock } from '../../../runtime/fake-clock-for-test.ts';
import { ffmpegMissing } from './command-trouble.ts';
import { FfmpegMissing } from './ffmpeg-program.ts';
import { type Fed, SupervisedFfmpeg } from './supervised-ffmpeg.ts';

/** A program in place of ffmpeg: `argv` is what ffmpeg would be told. */
type Scene = {
  readonly script: string;
  readonly input?: readonly string[];
  readonly output?: readonly string[];
  readonly missing?: () => boolean;
  readonly token?: string;
};

const folder = mkdtempSync(join(tmpdir(), 'livemix-supervised-'));
afterAll(() => rmSync(folder, { recursive: true }));

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((stop) => stop()));
});

function supervise({ script, input, output, missing, token }: Scene) {
  const clock = new FakeClock();
  const flag = join(folder, `${Math.random()}`);
  const seen = {
    clock,
    fed: { ingestedBytes: 0, targetDuration: 2 } as Fed,
    troubles: [] as Trouble[],
    lasting: [] as (string | undefined)[],
    started: [] as string[],
  };
  const words = [process.execPath, '-e', `const argv = process.argv.slice(1);${script}`, '--'];
  const supervised = new SupervisedFfmpeg(
    { kind: 'command', input: input ?? ['-i', 'rtsp://u:password@c/s'], output: output ?? ['-c', 'copy'] },
    {
      clock,
      random: () => 0.5,
      findFfmpeg: async () => {
        if (missing?.()) throw new FfmpegMissing('It is not there.');
        return { words, major: 5, env: { PATH: '/usr/bin:/bin', FLAG: flag } };
      },
      notFound: (error) => ffmpegMissing('ffmpeg', (error as Error).message),
      pushTo: { source: 'gate', edgeUrl: 'http://127.0.0.1:9', ingestToken: token },
      fed: () => seen.fed,
      started: (shown) => seen.started.push(shown),
      inTrouble: (trouble) => seen.troubles.push(trouble),
      inLastingTrouble: (trouble) => seen.lasting.push(trouble?.detail),
      onFailure: (error) => {
        throw error;
      },
    },
  );
  const stop = async () => {
    const stopped = supervised.stop();
    // What ffmpeg sent last is given time to arrive.
    const passing = setInterval(() => clock.pass(100), 10);
    await stopped.finally(() => clearInterval(passing));
  };
  running.push(stop);
  /** It has said its number, and this has been read. */
  const hasBegun = async () => {
    await soon(() => expect(existsSync(flag)).toBe(true));
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return { ...seen, flag, stop, hasBegun };
}

const soon = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 20 });
/** Says its number on its stderr, as ffmpeg says things. */
const says = (pid: string) =>
  `console.error("[error] pid " + ${pid}); require('node:fs').writeFileSync(process.env.FLAG, '');`;
const SAYS_PID = says('process.pid');
const FOREVER = 'setInterval(() => {}, 1000);';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // One that nobody has reaped answers, too.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

test('ffmpeg that ends is started again, after pauses that grow, and it is said what it said', async () => {
  const { clock, troubles, started } = supervise({
    script: 'console.error("[rtsp @ 0x1] [error] rtsp://u:password@c/s: 401 Unauthorized"); process.exit(1)',
  });
  for (const [lives, pause] of [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000].entries()) {
    await soon(() => expect(troubles).toHaveLength(lives + 1));
    clock.pass(pause - 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(started).toHaveLength(lives + 1);
    clock.pass(1);
  }
  expect(troubles[0]).toEqual({
    code: 'input_failed',
    detail: 'ffmpeg ended with 1. It said: rtsp: rtsp://…@c/s: 401 Unauthorized',
    hint: 'Check the user name and the password, or the passphrase, in the URL.',
  });
});

test('who ran well for a while is started again at once', async () => {
  const scene = supervise({ script: `process.on('SIGTERM', () => process.exit(3));${SAYS_PID}${FOREVER}` });
  const { clock, troubles, started } = scene;
  await soon(() => expect(started).toHaveLength(1));
  for (let second = 0; second < 40; second += 1) {
    (scene.fed as { ingestedBytes: number }).ingestedBytes += 1;
    clock.pass(1_000);
  }
  clock.pass(12_000);
  await soon(() => expect(troubles).toHaveLength(1));
  expect(troubles[0]!.code).toBe('input_stalled');
  clock.pass(500);
  await soon(() => expect(started).toHaveLength(2));
});

test('one that feeds nothing is asked to end, and then made to', async () => {
  const { clock, troubles, hasBegun } = supervise({
    script: `process.on('SIGTERM', () => console.error('[error] not me'));${SAYS_PID}${FOREVER}`,
  });
  await hasBegun();
  // A camera has 30 s for its first segment.
  clock.pass(30_000);
  expect(troubles).toEqual([]);
  clock.pass(1_000);
  await new Promise((resolve) => setImmediate(resolve));
  clock.pass(3_000);
  await soon(() => expect(troubles).toHaveLength(1));
  expect(troubles[0]).toMatchObject({
    code: 'input_stalled',
    detail: expect.stringMatching(/^No segment came for 31 s; ffmpeg is started again\. It said: .*pid \d+/),
  });
  const pid = Number(/pid (\d+)/.exec(troubles[0]!.detail)![1]);
  expect(isAlive(pid)).toBe(false);
});

test('after its first segment ten seconds without one are a stall, or three target durations', async () => {
  for (const [targetDuration, after] of [
    [2, 10_000],
    [6, 18_000],
  ] as const) {
    const scene = supervise({ script: FOREVER });
    await soon(() => expect(scene.started).toHaveLength(1));
    Object.assign(scene.fed, { ingestedBytes: 1, targetDuration });
    scene.clock.pass(1_000);
    scene.clock.pass(after);
    expect(scene.troubles).toEqual([]);
    scene.clock.pass(1_000);
    await soon(() => expect(scene.troubles).toHaveLength(1));
  }
});

test('who waits to be called waits as long as it takes, and is never away for more than two seconds', async () => {
  const input = ['-i', 'srt://0.0.0.0:9000?mode=listener'];
  const waits = supervise({ script: FOREVER, input });
  await soon(() => expect(waits.started).toHaveLength(1));
  waits.clock.pass(3_600_000);
  expect(waits.troubles).toEqual([]);
  const wasLeft = supervise({ script: 'process.exit(1)', input });
  for (let lives = 1; lives <= 5; lives += 1) {
    await soon(() => expect(wasLeft.troubles).toHaveLength(lives));
    wasLeft.clock.pass(1_000);
  }
});

test('a missing ffmpeg is said, and found when it is there', async () => {
  let missing = true;
  const { clock, troubles, started } = supervise({ script: FOREVER, missing: () => missing });
  await soon(() => expect(troubles).toHaveLength(1));
  expect(troubles[0]).toEqual({
    code: 'ffmpeg_missing',
    detail: 'ffmpeg (ffmpeg) is needed for this source and cannot be started. It is not there.',
    hint: expect.stringContaining('LIVEMIX_FFMPEG'),
  });
  missing = false;
  clock.pass(30_000);
  await soon(() => expect(started).toHaveLength(1));
});

test('when it is stopped nothing of it runs any more, whatever ffmpeg was', async () => {
  // As a script in place of ffmpeg would: it starts another program and ends by itself.
  const script = `const { spawn } = require('node:child_process');
    const child = spawn(process.execPath, ['-e', "process.on('SIGTERM', () => {});${FOREVER}"], { stdio: 'inherit' });
    process.on('SIGTERM', () => process.exit(0)); ${says('child.pid')} ${FOREVER}`;
  const scene = supervise({ script });
  await scene.hasBegun();
  scene.clock.pass(31_000);
  await soon(() => expect(scene.troubles).toHaveLength(1));
  const grandchild = Number(/pid (\d+)/.exec(scene.troubles[0]!.detail)![1]);
  await soon(() => expect(isAlive(grandchild)).toBe(false));
  await scene.stop();
  scene.clock.pass(60_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(scene.started).toHaveLength(1);
});

test('a stop ends it while it runs, and while it waits', async () => {
  const runs = supervise({ script: FOREVER });
  await soon(() => expect(runs.started).toHaveLength(1));
  await runs.stop();
  expect(runs.troubles).toEqual([]);
  const waits = supervise({ script: 'process.exit(1)' });
  await soon(() => expect(waits.troubles).toHaveLength(1));
  await waits.stop();
  expect(waits.started).toHaveLength(1);
});

test('noise without end takes neither memory nor turns', async () => {
  const { troubles } = supervise({
    script: `const line = '[error] ' + 'x'.repeat(1000) + '\\n'; let left = 20_000;
      const go = () => { while (left-- > 0) if (!process.stderr.write(line)) return process.stderr.once('drain', go);
        console.error('[error] the end'); process.exitCode = 1; }; go();`,
  });
  await soon(() => expect(troubles).toHaveLength(1));
  expect(troubles[0]!.detail).toMatch(/^ffmpeg ended with 1\. It said: .*the end$/);
  expect(troubles[0]!.detail.length).toBeLessThanOrEqual(300);
});

test('what ffmpeg needs to know in secret it reads from files that no folder lists', async () => {
  const { troubles, started } = supervise({
    script: `const fs = require('node:fs'); const read = (fd) => fs.readFileSync('/dev/fd/' + fd, 'utf8');
      const whole = read(3).includes("file 'rtsp://u:password@c/s'") && read(4) === 'headers=Authorization: Bearer a-token-0123456789\\n';
      console.error('[error] ' + (whole ? 'whole' : 'not whole') + ' ' + read(4)); process.exit(1)`,
    token: 'a-token-0123456789',
  });
  await soon(() => expect(troubles).toHaveLength(1));
  expect(troubles[0]!.detail).toContain('whole');
  expect(troubles[0]!.detail).not.toContain('not whole');
  expect(`${troubles[0]!.detail}${started[0]}`).not.toMatch(/a-token|password/);
});

/** What ffmpeg says of a sound that a transport stream cannot carry, unless it is told -an. */
const PCMU = `if (!argv.includes('-an')) console.error('[mpegts @ 0x1] [warning] Stream 1, codec pcm_mulaw, is muxed as a private data stream and may not be recognized upon reading.');`;

test('a sound that HLS cannot carry is left out, which is said as long as it is so', async () => {
  const { clock, fed, flag, lasting, started, stop, troubles } = supervise({
    // ffmpeg sends what it has when it is asked to end.
    script: `process.on('SIGTERM', () => { require('node:fs').writeFileSync(process.env.FLAG, ''); process.exit(); });${PCMU}${FOREVER}`,
  });
  await soon(() => expect(started).toHaveLength(2));
  expect(existsSync(flag)).toBe(false);
  expect(started.map((shown) => shown.includes(' -an '))).toEqual([false, true]);
  Object.assign(fed, { ingestedBytes: 1 });
  clock.pass(5_000);
  expect(lasting).toEqual([
    'The sound is pcm_mulaw, which HLS cannot carry. It is left out; the picture goes on.',
  ]);
  expect(troubles).toEqual([]);
  await stop();
  expect(lasting.at(-1)).toBeUndefined();
});

test('where the operator said what is done with the sound it is said, and done', async () => {
  const { fed, clock, lasting, started } = supervise({
    script: `${PCMU}${FOREVER}`,
    output: ['-c', 'copy', '-hls_time', '4'],
  });
  await soon(() => expect(lasting).toHaveLength(1));
  Object.assign(fed, { ingestedBytes: 1 });
  clock.pass(5_000);
  expect(lasting).toEqual(['The sound is pcm_mulaw, which HLS cannot carry: players will not play it.']);
  expect(started).toHaveLength(1);
});

test('a picture that HLS cannot carry is not passed off as a stream', async () => {
  const { troubles } = supervise({ script: `${PCMU.replace('pcm_mulaw', 'mjpeg')}${FOREVER}` });
  await soon(() => expect(troubles).toHaveLength(1));
  expect(troubles[0]).toMatchObject({
    code: 'input_failed',
    detail: 'The picture is mjpeg, which HLS cannot carry.',
    hint: expect.stringContaining('"-c:v", "libx264"'),
  });
});
