// Two thousand viewers at 3 Mbit/s, each polling the playlist and fetching every segment.
import { cpus } from 'node:os';
import { startLiveSource } from './support/live-source.mjs';
import { metric, profileFlags } from './support/nodes.mjs';
import { MIB, round } from './support/numbers.mjs';
import { printResult, printTable, verdict } from './support/report.mjs';
import { withScope } from './support/scope.mjs';
import { startViewers } from './support/viewers.mjs';
import { sleep } from './support/wait.mjs';

const STEPS = (process.env.BENCH_VIEWERS ?? '500,1000,1500,2000').split(',').map(Number);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 16);
const GOAL_P99_MS = 100;
const GOAL_RSS_MIB = 300;

await withScope(178, async (scope) => {
  const steps = [];
  const { control, edge, playlistUrl } = await startLiveSource(scope, {
    nodeFlags: profileFlags,
    duration: 2,
    bytes: 750_000,
    openFiles: 20_000,
  });
  for (const viewers of STEPS) steps.push(await step(scope, control, playlistUrl, viewers));
  const repeated = await metric(edge.url, 'livemix_edge_uplink_repeated_bytes_total');
  report(steps, repeated);
});

async function step(scope, control, playlistUrl, viewers) {
  const load = startViewers(scope, playlistUrl, {
    viewers,
    pollEveryMs: 2_000,
    segments: true,
    seconds: SECONDS,
    rampMs: 4_000,
  });
  await load.measuring;
  await metric(control.url, 'nodejs_eventloop_lag_max_seconds'); // Each reading begins anew.
  const before = {
    control: control.cpuMs(),
    load: load.cpuMs(),
    controlWaited: control.waitedMs(),
    loadWaited: load.waitedMs(),
  };
  const resident = [];
  let done;
  const finished = load.done.then((figures) => {
    done = figures;
  });
  while (done === undefined) {
    resident.push(control.memory().rss);
    await Promise.race([sleep(250), finished]);
  }
  const percent = (ms) => round(ms / SECONDS / 10);
  const figures = {
    ...done,
    controlCpuPercent: percent(control.cpuMs() - before.control),
    loadCpuPercent: percent(load.cpuMs() - before.load),
    controlWaitedPercent: percent(control.waitedMs() - before.controlWaited),
    loadWaitedPercent: percent(load.waitedMs() - before.loadWaited),
    rssMaxMiB: round(Math.max(...resident) / MIB),
  };
  figures.controlLagMaxMs = round(1_000 * (await metric(control.url, 'nodejs_eventloop_lag_max_seconds')));
  await load.end();
  return figures;
}

function report(steps, repeated) {
  const rows = [
    [
      'viewers',
      'Gbit/s',
      'of due',
      'first byte p50',
      'p99',
      'whole segment p50',
      'p99',
      'playlist p99',
      'control CPU %',
      'waits %',
      'load CPU %',
      'waits %',
      'control RSS MiB',
      'control lag max',
      'load lag max',
      'errors',
    ],
  ];
  for (const step of steps) {
    step.share = round(step.gbitPerSecond / ((step.viewers * 3) / 1000));
    step.errorCount = Object.values(step.errors).reduce((total, count) => total + count, 0);
    rows.push([
      step.viewers,
      step.gbitPerSecond,
      step.share,
      step.firstByte?.p50Ms,
      step.firstByte?.p99Ms,
      step.complete?.p50Ms,
      step.complete?.p99Ms,
      step.polls?.p99Ms,
      step.controlCpuPercent,
      step.controlWaitedPercent,
      step.loadCpuPercent,
      step.loadWaitedPercent,
      step.rssMaxMiB,
      step.controlLagMaxMs,
      step.loadLagMaxMs,
      step.errorCount,
    ]);
  }
  printTable(
    `viewers: 750 KB every 2 s each, ${SECONDS} s a step, times in ms (${cpus().length} cores: control has one, the load the other)`,
    rows,
  );
  const last = steps.at(-1);
  const met = last.errorCount === 0 && last.share > 0.97;
  console.log(
    `\n${last.viewers} viewers, all of what is due and no error  ${last.share}, ${last.errorCount}  ${verdict(met, '≥ 0.97, 0')}`,
  );
  console.log(
    `p99 of the first byte, ms  ${last.firstByte?.p99Ms}  ${verdict(last.firstByte?.p99Ms <= GOAL_P99_MS, GOAL_P99_MS)}`,
  );
  console.log(
    `p99 of the whole segment, ms  ${last.complete?.p99Ms}  ${verdict(last.complete?.p99Ms <= GOAL_P99_MS, GOAL_P99_MS)}`,
  );
  console.log(
    `RSS of control, MiB  ${last.rssMaxMiB}  ${verdict(last.rssMaxMiB <= GOAL_RSS_MIB, GOAL_RSS_MIB)}\n`,
  );
  printResult('viewers', { steps, uplinkRepeatedBytes: repeated });
}
