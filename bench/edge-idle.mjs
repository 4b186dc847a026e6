// What an edge costs while nobody watches: bytes on its uplink, memory, CPU.

import { startCountingProxy } from './support/counting-proxy.mjs';
import { Encoder } from './support/encoder.mjs';
import { metric, startControl, startEdge } from './support/nodes.mjs';
import { MB, MIB, round } from './support/numbers.mjs';
import { printResult, printTable, verdict } from './support/report.mjs';
import { withScope } from './support/scope.mjs';
import { tempFolder } from './support/temp-folder.mjs';
import { sleep, until } from './support/wait.mjs';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 60);
const GOAL_RSS = 90;

await withScope(SECONDS + 60, async (scope) => {
  const media = await tempFolder(scope);
  const control = await startControl(scope);
  const proxy = await startCountingProxy(scope, control.url);
  const nodeFlags = (process.env.BENCH_NODE_FLAGS ?? '').split(' ').filter((flag) => flag !== '');
  const edge = await startEdge(scope, { controlUrl: proxy.url, mediaRoot: media, nodeFlags });
  const atStart = edge.memory();
  const encoder = new Encoder({ edgeUrl: edge.url, folder: media, duration: 2, bytes: MB });
  await encoder.fill(1);
  await until('control knows the source', async () => {
    const response = await fetch(`${control.url}/v1/sources/${encoder.source}`);
    return response.ok && (await response.json()).state === 'idle';
  });
  encoder.run(scope);

  const before = { ...proxy.counted, cpuMs: edge.cpuMs(), at: performance.now() };
  const resident = [];
  while (performance.now() - before.at < SECONDS * 1000) {
    await sleep(1_000);
    resident.push(edge.memory().rss);
  }
  const took = (performance.now() - before.at) / 1000;
  const cpuPercent = (edge.cpuMs() - before.cpuMs) / took / 10;
  const end = edge.memory();
  const figures = {
    seconds: round(took),
    mediaBytes: await metric(edge.url, 'livemix_edge_uplink_bytes_total'),
    ingestedBytes: await metric(edge.url, 'livemix_edge_ingest_bytes_total'),
    linkBytesUp: proxy.counted.up - before.up,
    linkBytesDown: proxy.counted.down - before.down,
    rssStartMiB: round(atStart.rss / MIB),
    rssEndMiB: round(end.rss / MIB),
    rssPeakMiB: round(end.peak / MIB),
    rssMaxSampledMiB: round(Math.max(...resident) / MIB),
    rssAnonymousMiB: round(end.anonymous / MIB),
    rssFileMiB: round(end.file / MIB),
    heapUsedMiB: round((await metric(edge.url, 'nodejs_heap_size_used_bytes')) / MIB),
    externalMiB: round((await metric(edge.url, 'nodejs_external_memory_bytes')) / MIB),
    cpuPercent: round(cpuPercent),
  };
  printTable(`edge-idle: one source at 4 Mbit/s, nobody watches, ${figures.seconds} s`, [
    ['', ''],
    ['taken in, MB', round(figures.ingestedBytes / MB)],
    ['media bytes sent to control', figures.mediaBytes],
    [
      'all bytes on the uplink (the link itself), up / down',
      `${figures.linkBytesUp} / ${figures.linkBytesDown}`,
    ],
    [
      'RSS at start / at the end / peak, MiB',
      `${figures.rssStartMiB} / ${figures.rssEndMiB} / ${figures.rssPeakMiB}`,
    ],
    [
      'of it at the end: own memory / files (the program), MiB',
      `${figures.rssAnonymousMiB} / ${figures.rssFileMiB}`,
    ],
    ['JavaScript heap in use / Buffers, MiB', `${figures.heapUsedMiB} / ${figures.externalMiB}`],
    ['CPU, % of a core', figures.cpuPercent],
  ]);
  // A segment is a million bytes: what the link says in a minute is far less than one.
  const silent = figures.mediaBytes === 0 && figures.linkBytesUp < MB / 4;
  console.log(`\nmedia bytes on the uplink  ${figures.mediaBytes}  ${verdict(silent, 0)}`);
  console.log(`peak RSS, MiB  ${figures.rssPeakMiB}  ${verdict(figures.rssPeakMiB <= GOAL_RSS, GOAL_RSS)}\n`);
  printResult('edge-idle', figures);
});
