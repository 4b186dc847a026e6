// What an edge costs that takes in 16 and 64 sources at 4 Mbit/s, without control, both ways in: pushed, and as files
// whose playlists are posted. Next to it the least that Node can do with the same bytes, and nginx that takes them by PUT.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child, LOAD_CORE, need, SERVER_CORE } from './support/child.mjs';
import { startNginx } from './support/nginx.mjs';
import { metric, profileFlags, startEdge } from './support/nodes.mjs';
import { MB, median, round } from './support/numbers.mjs';
import { printResult, printTable, verdict } from './support/report.mjs';
import { Scope, withScope } from './support/scope.mjs';
import { tempFolder } from './support/temp-folder.mjs';
import { sleep, until } from './support/wait.mjs';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 1);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 30);
const STEPS = (process.env.BENCH_SOURCES ?? '16,64').split(',').map(Number);
/** What is measured beside the edge says how much work it is: it needs no long look. */
const BESIDE_SECONDS = Math.min(SECONDS, 12);
const WARM_UP_SECONDS = 8;
const DURATION = 2;
const BYTES = MB; // 4 Mbit/s.
const GOAL = { sources: 16, cpuPercent: 25, rssMB: 160 };

const sides = [
  { name: 'edge', way: 'push', start: startOwnEdge, seconds: SECONDS },
  { name: 'node:http', way: 'push', start: startBare, seconds: BESIDE_SECONDS },
  { name: 'nginx', way: 'push', start: startNginxThatTakes, seconds: BESIDE_SECONDS },
  { name: 'edge', way: 'file', start: startOwnEdge, seconds: SECONDS },
  { name: 'node:http', way: 'file', start: startBare, seconds: BESIDE_SECONDS },
];

need('nginx', 'taskset');
const perRound = STEPS.length * sides.reduce((sum, { seconds }) => sum + seconds + WARM_UP_SECONDS + 8, 0);
await withScope(30 + ROUNDS * perRound, async (scope) => {
  const runs = [];
  for (let at = 0; at < ROUNDS; at++) {
    for (const sources of STEPS) {
      for (const side of at % 2 === 0 ? sides : sides.toReversed()) {
        const own = new Scope();
        scope.defer(() => own.close());
        runs.push({ ...side, sources, round: at, ...(await run(own, side, sources)) });
        await own.close();
      }
    }
  }
  report(runs);
});

async function startOwnEdge(scope, media) {
  const nodeFlags = [...profileFlags, ...(process.env.BENCH_NODE_FLAGS ?? '').split(' ').filter(Boolean)];
  const edge = await startEdge(scope, { mediaRoot: media, core: SERVER_CORE, nodeFlags });
  const of = (name) => metric(edge.url, `livemix_edge_ingest_${name}_total`);
  return Object.assign(edge, {
    taken: () => of('segments'),
    gaps: async () => (await of('gaps')) + (await of('refused')),
  });
}

async function startBare(scope) {
  const root = await tempFolder(scope);
  const file = fileURLToPath(new URL('support/bare-ingest.mjs', import.meta.url));
  const child = new Child(scope, process.execPath, [file, root], { core: SERVER_CORE });
  const url = await child.line((line) => /http:\S+/.exec(line)?.[0]);
  return Object.assign(child, { url, taken: () => wholeFilesIn(root), gaps: () => 0 });
}

async function startNginxThatTakes(scope) {
  const root = await tempFolder(scope);
  const nginx = await startNginx(scope, root, { core: SERVER_CORE, way: 'put' });
  return Object.assign(nginx, { taken: () => wholeFilesIn(root), gaps: () => 0 });
}

/** Whole segments below a folder. */
function wholeFilesIn(folder) {
  const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.ts'));
  return names.filter((name) => statSync(join(folder, name)).size > 0.99 * BYTES).length;
}

/** A fresh server, a load of its own; what it cost once it had warmed up. */
async function run(scope, { way, start, seconds }, sources) {
  const media = await tempFolder(scope);
  const server = await start(scope, media);
  const idle = server.memory().rss;
  const load = startLoad(scope, { way, url: server.url, folder: media, sources });
  await sleep(WARM_UP_SECONDS * 1000);

  const takenBefore = await server.taken();
  const before = { cpuMs: server.cpuMs(), waitedMs: server.waitedMs(), at: performance.now() };
  const resident = [];
  while (performance.now() - before.at < seconds * 1000) {
    await sleep(500);
    resident.push(server.memory().rss);
  }
  const took = performance.now() - before.at;
  const cpuMs = server.cpuMs() - before.cpuMs;
  const waitedMs = server.waitedMs() - before.waitedMs;
  const segments = (await server.taken()) - takenBefore;
  const { sent, late } = await load.end();
  await until(
    'all that was sent is taken',
    async () => (await server.taken()) + (await server.gaps()) >= sent,
  );
  return {
    cpuPercent: (cpuMs / took) * 100,
    cpuMsPerSegment: cpuMs / segments,
    waitedPercent: (waitedMs / took) * 100,
    idleMB: idle / MB,
    rssMB: median(resident) / MB,
    rssMaxMB: Math.max(...resident) / MB,
    peakMB: server.memory().peak / MB,
    segments,
    lost: sent - (await server.taken()),
    gaps: await server.gaps(),
    lateMs: late,
  };
}

function startLoad(scope, options) {
  const file = fileURLToPath(new URL('support/ingest-load.mjs', import.meta.url));
  const asked = JSON.stringify({ ...options, bytes: BYTES, duration: DURATION });
  const child = new Child(scope, process.execPath, [file, asked], { core: LOAD_CORE });
  return {
    async end() {
      child.process.stdin.end();
      return child.line((line) => (line.includes('"ended"') ? JSON.parse(line) : undefined));
    },
  };
}

function report(runs) {
  const figures = {};
  const rows = [
    [
      '',
      'CPU %',
      'CPU ms/segment',
      'waits %',
      'RSS MB',
      'peak',
      'idle',
      'segments',
      'lost',
      'gaps',
      'late ms',
    ],
  ];
  const worst = { cpuPercent: 0, peakMB: 0, missing: 0 };
  for (const sources of STEPS) {
    for (const { name, way } of sides) {
      const own = runs.filter((run) => run.name === name && run.way === way && run.sources === sources);
      const of = (field) => round(median(own.map((run) => run[field])));
      const most = (field) => round(Math.max(...own.map((run) => run[field])));
      const it = {
        ...{
          cpuPercent: of('cpuPercent'),
          cpuMsPerSegment: of('cpuMsPerSegment'),
          waitedPercent: of('waitedPercent'),
        },
        ...{ rssMB: of('rssMB'), rssMaxMB: most('rssMaxMB'), peakMB: most('peakMB'), idleMB: of('idleMB') },
        ...{ segments: of('segments'), lost: most('lost'), gaps: most('gaps'), lateMs: most('lateMs') },
      };
      figures[`${sources} ${way} ${name}`] = it;
      rows.push([
        `${sources} sources, ${way}, ${name}`,
        ...[it.cpuPercent, it.cpuMsPerSegment, it.waitedPercent, it.rssMB, it.peakMB, it.idleMB],
        ...[it.segments, it.lost, it.gaps, it.lateMs],
      ]);
      if (name !== 'edge') continue;
      worst.missing += it.lost + it.gaps;
      if (sources !== GOAL.sources) continue;
      worst.cpuPercent = Math.max(worst.cpuPercent, it.cpuPercent);
      worst.peakMB = Math.max(worst.peakMB, it.peakMB);
    }
  }
  printTable(
    `ingest: 4 Mbit/s each, segments of 1 MB; medians of ${ROUNDS} runs of ${SECONDS} s (${BESIDE_SECONDS} s beside the edge); peak, lost, gaps, late: the worst`,
    rows,
  );
  console.log();
  for (const sources of STEPS) {
    for (const { name, way } of sides.filter((side) => side.name !== 'edge')) {
      const ratios = runs
        .filter((run) => run.name === name && run.way === way && run.sources === sources)
        .map((run) => ofEdge(runs, run).cpuMsPerSegment / run.cpuMsPerSegment);
      const ratio = round(median(ratios));
      figures[`${sources} ${way} edge : ${name}`] = ratio;
      console.log(`${sources} sources, ${way}, edge : ${name}, CPU for a segment  ${ratio}`);
    }
  }
  console.log(`
${GOAL.sources} sources, the costlier way in
  CPU, % of a core  ${worst.cpuPercent}  ${verdict(worst.cpuPercent <= GOAL.cpuPercent, GOAL.cpuPercent)}
  peak RSS, MB      ${worst.peakMB}  ${verdict(worst.peakMB <= GOAL.rssMB, GOAL.rssMB)}
segments lost or gaps, all  ${worst.missing}  ${verdict(worst.missing === 0, 0)}
`);
  printResult('ingest', figures);
}

/** The edge's own run of that round. */
function ofEdge(runs, { way, sources, round: at }) {
  return runs.find(
    (run) => run.name === 'edge' && run.way === way && run.sources === sources && run.round === at,
  );
}
