// How fast one core of control serves segments of a recording once they are in its cache, next to live segments of
// the same size from the same process and to nginx with sendfile.
import { need, SERVER_CORE } from './support/child.mjs';
import { fetchLive } from './support/fetch-live.mjs';
import { startLiveSource } from './support/live-source.mjs';
import { startNginx } from './support/nginx.mjs';
import { profileFlags } from './support/nodes.mjs';
import { MB, median, round } from './support/numbers.mjs';
import { printResult, printTable, verdict } from './support/report.mjs';
import { saveSite } from './support/save-site.mjs';
import { withScope } from './support/scope.mjs';
import { storeRecording } from './support/stored-recording.mjs';
import { runWrk } from './support/wrk.mjs';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const CONNECTIONS = 16;
const GOAL = 0.85;

await withScope(175, async (scope) => {
  need('nginx', 'wrk', 'taskset');
  const archive = await storeRecording(scope, { segments: 6, duration: 10, bytes: MB });
  const { control, playlistUrl } = await startLiveSource(scope, {
    duration: 10,
    bytes: MB,
    nodeFlags: profileFlags,
    flags: archive.flags,
  });
  const replayUrl = `${control.url}/recordings/${archive.ids[0]}/index.m3u8`;
  const replayed = await fetchLive(replayUrl);
  const root = await saveSite(scope, replayed, replayUrl); // It fetches them all: they are cached now.
  const nginx = await startNginx(scope, root, { core: SERVER_CORE, way: 'sendfile' });
  const sides = [
    // Live segments move on while it runs; the others stay.
    { name: 'live', server: control, urls: async () => (await fetchLive(playlistUrl)).segments },
    { name: 'replay', server: control, urls: async () => replayed.segments },
    { name: 'nginx', server: nginx, urls: async () => replayed.segments },
  ];
  const rounds = [];
  for (let at = 0; at < ROUNDS; at++) {
    const runs = {};
    for (const { name, server, urls } of at % 2 === 0 ? sides : sides.toReversed()) {
      const paths = (await urls()).map((url) => new URL(url).pathname);
      runs[name] = await runWrk(scope, server, paths, { seconds: SECONDS, connections: CONNECTIONS });
    }
    rounds.push(runs);
  }
  report(
    rounds,
    sides.map(({ name }) => name),
  );
});

function report(rounds, names) {
  const rows = [['', 'MB/s', 'best', 'CPU µs/request', 'server CPU %', 'waits %', 'p99 ms', 'errors']];
  const figures = {};
  for (const name of names) {
    const of = (field) => round(median(rounds.map((runs) => runs[name][field])));
    const it = {
      bytesPerSecond: of('bytesPerSecond'),
      bestBytesPerSecond: round(Math.max(...rounds.map((runs) => runs[name].bytesPerSecond))),
      cpuUsPerRequest: of('cpuUsPerRequest'),
      cpuPercent: of('cpuPercent'),
      waitedPercent: of('waitedPercent'),
      p99Ms: of('p99Ms'),
      errors: rounds.reduce((total, runs) => total + runs[name].errors, 0),
    };
    figures[name] = it;
    const rates = [round(it.bytesPerSecond / MB), round(it.bestBytesPerSecond / MB)];
    rows.push([name, ...rates, it.cpuUsPerRequest, it.cpuPercent, it.waitedPercent, it.p99Ms, it.errors]);
  }
  printTable(
    `replay: segments of 1 MB, one core each, ${CONNECTIONS} connections; medians of ${ROUNDS} runs of ${SECONDS} s, taken in turns`,
    rows,
  );
  const ratio = (one, other, field) =>
    round(median(rounds.map((runs) => runs[one][field] / runs[other][field])));
  figures.toLive = ratio('replay', 'live', 'bytesPerSecond');
  figures.toNginx = ratio('replay', 'nginx', 'bytesPerSecond');
  figures.cpuToLive = ratio('replay', 'live', 'cpuUsPerRequest');
  console.log(`
medians of the rounds' ratios
  replay : live, bytes a second    ${figures.toLive}  ${verdict(figures.toLive >= GOAL, `≥ ${GOAL}`)}
  replay : live, CPU a request     ${figures.cpuToLive}
  replay : nginx, bytes a second   ${figures.toNginx}
`);
  printResult('replay', figures);
}
