// Ten thousand viewers that poll a playlist every ten seconds over kept-alive connections: memory for each.
import { startLiveSource } from './support/live-source.mjs';
import { MIB, round } from './support/numbers.mjs';
import { printResult, printTable, verdict } from './support/report.mjs';
import { withScope } from './support/scope.mjs';
import { startViewers } from './support/viewers.mjs';
import { sleep } from './support/wait.mjs';

const VIEWERS = Number(process.env.BENCH_VIEWERS ?? 10_000);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 40);
const GOAL_KB = 20;

await withScope(150, async (scope) => {
  const { control, playlistUrl } = await startLiveSource(scope, {
    duration: 2,
    bytes: 1_000_000,
    openFiles: 20_000,
  });
  // Its memory settles: segments come and go, code is compiled.
  await warmUp(scope, playlistUrl);
  const before = await settled(control);
  const load = startViewers(scope, playlistUrl, {
    viewers: VIEWERS,
    pollEveryMs: 10_000,
    segments: false,
    seconds: SECONDS,
    rampMs: 10_000,
  });
  await load.measuring;
  const cpuBefore = control.cpuMs();
  const resident = [];
  let done;
  const finished = load.done.then((figures) => {
    done = figures;
  });
  while (done === undefined) {
    resident.push(control.memory().rss);
    await Promise.race([sleep(500), finished]);
  }
  const cpuPercent = (control.cpuMs() - cpuBefore) / SECONDS / 10;
  const after = await settled(control);
  await load.end();

  const errors = Object.values(done.errors).reduce((total, count) => total + count, 0);
  const figures = {
    viewers: VIEWERS,
    rssBeforeMiB: round(before / MIB),
    rssAfterMiB: round(after / MIB),
    rssMaxMiB: round(Math.max(...resident) / MIB),
    kbPerViewer: round((after - before) / VIEWERS / 1000),
    kbPerViewerMax: round((Math.max(...resident) - before) / VIEWERS / 1000),
    cpuPercent: round(cpuPercent),
    polls: done.polls,
    pollsDone: done.pollsDone,
    errors: done.errors,
  };
  printTable(`pollers: ${VIEWERS} viewers, a poll every 10 s each, ${SECONDS} s`, [
    ['', ''],
    [
      'RSS of control before / with them / at most, MiB',
      `${figures.rssBeforeMiB} / ${figures.rssAfterMiB} / ${figures.rssMaxMiB}`,
    ],
    ['for each viewer, with them / at most, KB', `${figures.kbPerViewer} / ${figures.kbPerViewerMax}`],
    ['CPU of control, %', figures.cpuPercent],
    ['poll p50 / p99 / max, ms', `${done.polls.p50Ms} / ${done.polls.p99Ms} / ${done.polls.maxMs}`],
    ['polls, errors', `${done.pollsDone}, ${errors}`],
  ]);
  console.log(
    `\nRSS for each viewer, KB  ${figures.kbPerViewer}  ${verdict(figures.kbPerViewer <= GOAL_KB, GOAL_KB)}`,
  );
  console.log(`errors  ${errors}  ${verdict(errors === 0, 0)}\n`);
  printResult('pollers', figures);
});

async function warmUp(scope, playlistUrl) {
  const load = startViewers(scope, playlistUrl, {
    viewers: 50,
    pollEveryMs: 50,
    segments: false,
    seconds: 12,
    rampMs: 500,
  });
  await load.done;
  await load.end();
}

/** The mean of its memory over the life of two segments. */
async function settled(control) {
  const seen = [];
  for (let at = 0; at < 16; at++) {
    seen.push(control.memory().rss);
    await sleep(250);
  }
  return seen.reduce((total, rss) => total + rss, 0) / seen.length;
}
