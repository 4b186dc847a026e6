// From the first request for an idle source to a playlist that plays, and to its first segment's last byte.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Encoder } from './support/encoder.mjs';
import { fetchLive } from './support/fetch-live.mjs';
import { startControl, startEdge } from './support/nodes.mjs';
import { MB, percentile, round } from './support/numbers.mjs';
import { printResult, printTable, verdict } from './support/report.mjs';
import { withScope } from './support/scope.mjs';
import { tempFolder } from './support/temp-folder.mjs';
import { sleep, until } from './support/wait.mjs';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 20);
const GOAL_MS = 2_000;

await withScope(175, async (scope) => {
  const control = await startControl(scope, { flags: { 'cache-url': 'memory:?max=1GiB' } });
  const sources = await startSources(scope, control.url);
  const toPlaylist = [];
  const toSegment = [];
  const toTail = [];
  const listed = [];
  for (const source of sources) {
    await until(`${source} is idle`, () => isIdle(control.url, source));
    await sleep(500 + Math.random() * 2_000); // Anywhere in a segment's time.
    const startedAt = performance.now();
    const live = await fetchLive(`${control.url}/live/${source}/index.m3u8`);
    toPlaylist.push(performance.now() - startedAt);
    listed.push(live.segments.length);
    // A player begins three segments before the end (RFC 8216 §6.3.3).
    for (const [index, url] of live.segments.slice(-3).entries()) {
      const response = await fetch(url);
      const body = await response.arrayBuffer();
      if (!response.ok || body.byteLength < 0.9 * MB) throw new Error(`${url} answered ${response.status}`);
      if (index === 0) toSegment.push(performance.now() - startedAt);
    }
    toTail.push(performance.now() - startedAt);
  }

  const of = (values) => ({
    p50Ms: round(percentile(values, 0.5)),
    p90Ms: round(percentile(values, 0.9)),
    maxMs: round(Math.max(...values)),
  });
  const figures = {
    rounds: ROUNDS,
    playlist: of(toPlaylist),
    firstSegment: of(toSegment),
    threeSegments: of(toTail),
    segmentsListed: { fewest: Math.min(...listed), most: Math.max(...listed) },
  };
  const row = (name, { p50Ms, p90Ms, maxMs }) => [name, p50Ms, p90Ms, maxMs];
  printTable(`start: ${ROUNDS} first requests of an idle source, segments of 2 s at 4 Mbit/s; ms`, [
    ['', 'p50', 'p90', 'max'],
    row('to a playlist', figures.playlist),
    row('to the last byte of the segment a player begins with', figures.firstSegment),
    row('to the last byte of all three from there', figures.threeSegments),
  ]);
  console.log(
    `\nsegments in the first playlist: ${figures.segmentsListed.fewest} to ${figures.segmentsListed.most}`,
  );
  const worst = figures.firstSegment.maxMs;
  console.log(
    `first request → first segment, worst, ms  ${worst}  ${verdict(worst < GOAL_MS, `< ${GOAL_MS}`)}\n`,
  );
  printResult('start', figures);
});

/** A source for each round: after a viewer, one is idle only 15 s later, and cold when its tail has gone by. */
async function startSources(scope, controlUrl) {
  const media = await tempFolder(scope);
  const edge = await startEdge(scope, { controlUrl, mediaRoot: media });
  const sources = Array.from({ length: ROUNDS }, (_, at) => `camera-${at}`);
  for (const source of sources) {
    const folder = join(media, source);
    await mkdir(folder);
    const encoder = new Encoder({ edgeUrl: edge.url, folder, source, duration: 2, bytes: MB });
    await encoder.fill(6);
    encoder.run(scope);
    await sleep(100);
  }
  return sources;
}

async function isIdle(controlUrl, source) {
  const response = await fetch(`${controlUrl}/v1/sources/${source}`);
  return response.ok && (await response.json()).state === 'idle';
}
