// How fast one core of control serves, next to nginx with sendfile and to bare node:http, the same bytes.
import { fileURLToPath } from 'node:url';
import { Child, need, SERVER_CORE } from './support/child.mjs';
import { fetchLive } from './support/fetch-live.mjs';
import { startLiveSource } from './support/live-source.mjs';
import { startNginx } from './support/nginx.mjs';
import { profileFlags } from './support/nodes.mjs';
import { MB, median, round } from './support/numbers.mjs';
import { printResult, printTable, verdict } from './support/report.mjs';
import { saveSite } from './support/save-site.mjs';
import { withScope } from './support/scope.mjs';
import { runWrk } from './support/wrk.mjs';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const GOAL_SEGMENTS = 0.9;
const GOAL_PLAYLISTS = 0.6;
const loads = [
  { what: 'segments', connections: 16 },
  { what: 'playlists', connections: 64 },
];

await withScope(175, async (scope) => {
  need('nginx', 'wrk', 'taskset');
  // Six segments of 1 MB; so long that they stay listed while they are measured.
  const { control, playlistUrl } = await startLiveSource(scope, {
    duration: 10,
    bytes: MB,
    nodeFlags: profileFlags,
  });
  const live = await fetchLive(playlistUrl);
  const root = await saveSite(scope, live, playlistUrl);
  const servers = [
    { name: 'control', server: control },
    { name: 'nginx', server: await startNginx(scope, root, { core: SERVER_CORE, way: 'sendfile' }) },
    { name: 'nginx copying', server: await startNginx(scope, root, { core: SERVER_CORE, way: 'copy' }) },
    { name: 'node:http', server: await startBare(scope, root) },
  ];
  const runs = [];
  for (let at = 0; at < ROUNDS; at++) {
    for (const { what, connections } of loads) {
      for (const { name, server } of at % 2 === 0 ? servers : servers.toReversed()) {
        // Control's segments move on while it runs; the files of the others stay.
        const now = name === 'control' ? await fetchLive(playlistUrl) : live;
        const urls = what === 'segments' ? now.segments : [playlistUrl];
        const paths = urls.map((url) => new URL(url).pathname);
        runs.push({ name, what, ...(await runWrk(scope, server, paths, { seconds: SECONDS, connections })) });
      }
    }
  }
  report(
    runs,
    servers.map(({ name }) => name),
  );
});

async function startBare(scope, root) {
  const file = fileURLToPath(new URL('support/bare-server.mjs', import.meta.url));
  const child = new Child(scope, process.execPath, [file, root], { core: SERVER_CORE });
  const url = await child.line((line) => /http:\S+/.exec(line)?.[0]);
  return Object.assign(child, { url });
}

function report(runs, names) {
  const figures = {};
  const rows = [['', 'MB/s', 'requests/s', 'CPU µs/request', 'server CPU %', 'waits %', 'p99 ms', 'errors']];
  for (const { what } of loads) {
    for (const name of names) {
      const own = runs.filter((run) => run.name === name && run.what === what);
      const of = (field) => round(median(own.map((run) => run[field])));
      figures[what] ??= {};
      figures[what][name] = {
        bytesPerSecond: of('bytesPerSecond'),
        requestsPerSecond: of('requestsPerSecond'),
        cpuUsPerRequest: of('cpuUsPerRequest'),
        cpuPercent: of('cpuPercent'),
        waitedPercent: of('waitedPercent'),
        p99Ms: of('p99Ms'),
        errors: own.reduce((total, run) => total + run.errors, 0),
      };
      const it = figures[what][name];
      rows.push([
        `${what}, ${name}`,
        round(it.bytesPerSecond / MB),
        it.requestsPerSecond,
        it.cpuUsPerRequest,
        it.cpuPercent,
        it.waitedPercent,
        it.p99Ms,
        it.errors,
      ]);
    }
  }
  printTable(
    `fan-out: one core each, wrk on another; medians of ${ROUNDS} runs of ${SECONDS} s, taken in turns (waits: others had its core)`,
    rows,
  );
  const ratio = (what, field, to = 'nginx') => round(figures[what].control[field] / figures[what][to][field]);
  const segments = ratio('segments', 'bytesPerSecond');
  const playlists = ratio('playlists', 'requestsPerSecond');
  console.log(`
control : nginx with sendfile
  segments, bytes a second       ${segments}  ${verdict(segments >= GOAL_SEGMENTS, `≥ ${GOAL_SEGMENTS}`)}
  playlists, requests a second   ${playlists}  ${verdict(playlists >= GOAL_PLAYLISTS, `≥ ${GOAL_PLAYLISTS}`)}
  CPU for a segment, a playlist  ${ratio('segments', 'cpuUsPerRequest')}, ${ratio('playlists', 'cpuUsPerRequest')}
control : nginx that copies
  segments, bytes a second       ${ratio('segments', 'bytesPerSecond', 'nginx copying')}
  playlists, requests a second   ${ratio('playlists', 'requestsPerSecond', 'nginx copying')}
  CPU for a segment, a playlist  ${ratio('segments', 'cpuUsPerRequest', 'nginx copying')}, ${ratio('playlists', 'cpuUsPerRequest', 'nginx copying')}
Where CPU and waits together are well below 100 %, wrk could not take more.
`);
  printResult('fan-out', { segmentsRatio: segments, playlistsRatio: playlists, ...figures });
}
