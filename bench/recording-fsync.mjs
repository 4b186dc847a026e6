// What it costs an edge to have recorded segments on its disk before it answers: acknowledged segments a second and
// the time of an answer, next to taking the same in unrecorded, and to a bare loop of write, fsync, rename, fsync.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bareWrites } from './support/bare-writes.mjs';
import { Encoder } from './support/encoder.mjs';
import { metric, profileFlags, startControl, startEdge } from './support/nodes.mjs';
import { median, percentile, round, sum } from './support/numbers.mjs';
import { recordingOf, startRecording } from './support/recordings.mjs';
import { printResult, printTable } from './support/report.mjs';
import { withScope } from './support/scope.mjs';
import { tempFolder } from './support/temp-folder.mjs';
import { sleep, until } from './support/wait.mjs';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 2);
const STEPS = [1, 4, 16, 60];
const BYTES = 250_000; // 2 s at 1 Mbit/s.
/** An edge takes so many playlists a second of a source. */
const PER_SECOND = 20;
const EVERY_MS = 1000 / PER_SECOND;

await withScope(178, async (scope) => {
  const edges = {
    recorded: await startEdgeWithSources(scope, 'recorded'),
    unrecorded: await startEdgeWithSources(scope, 'unrecorded'),
  };
  const disk = await tempFolder(scope);
  const runs = [];
  for (let at = 0; at < ROUNDS; at++) {
    for (const sources of STEPS) {
      const sides = ['recorded', 'unrecorded', 'bare', 'bare, no pace'];
      for (const side of at % 2 === 0 ? sides : sides.toReversed()) {
        const run = edges[side] === undefined ? bare(disk, sources, side) : takeIn(edges[side], sources);
        runs.push({ side, sources, ...(await run) });
      }
    }
  }
  report(runs);
});

/** An edge without control whose sources are all recorded, or none; control said so before it went. */
async function startEdgeWithSources(scope, name) {
  const media = await tempFolder(scope);
  const control = await startControl(scope);
  const flags = { 'spool-bytes': '40GiB' };
  const node = { controlUrl: control.url, mediaRoot: media, flags, nodeFlags: profileFlags };
  const edge = await startEdge(scope, node);
  const encoders = [];
  for (let at = 0; at < STEPS.at(-1); at++) {
    const folder = join(media, `${name}-${at}`);
    await mkdir(folder);
    const own = { edgeUrl: edge.url, folder, source: `${name}-${at}`, duration: 2, bytes: BYTES };
    encoders.push(new Encoder(own));
    await encoders[at].fill(1);
  }
  for (const { source } of name === 'recorded' ? encoders : []) {
    await until(
      `control knows ${source}`,
      async () => (await fetch(`${control.url}/v1/sources/${source}`)).ok,
    );
    const { id } = await startRecording(control.url, source, '-1m');
    await until(`${source} is recorded`, async () => (await recordingOf(control.url, id)).segments > 0);
  }
  await control.stop();
  return { edge, encoders };
}

/** Each source posts one new segment after the other, as fast as it is answered, but not faster than it may. */
async function takeIn({ edge, encoders }, sources) {
  const before = { cpuMs: edge.cpuMs(), gaps: await metric(edge.url, 'livemix_edge_ingest_gaps_total') };
  const startedAt = performance.now();
  const tookMs = [];
  const publish = async (encoder, at) => {
    const answeredAt = [];
    await sleep((at / sources) * EVERY_MS);
    while (performance.now() - startedAt < SECONDS * 1000) {
      const begunAt = performance.now();
      await encoder.make();
      // However long some of them waited: the edge never sees more within a second.
      await sleep(Math.max(0, (answeredAt.at(-PER_SECOND) ?? 0) + 1_001 - performance.now()));
      const postedAt = performance.now();
      const { added } = await encoder.post();
      if (added !== 1) throw new Error(`${encoder.source}: ${added} segments were added, not one`);
      answeredAt.push(performance.now());
      tookMs.push(answeredAt.at(-1) - postedAt);
      await sleep(Math.max(0, begunAt + EVERY_MS - performance.now()));
    }
  };
  await Promise.all(encoders.slice(0, sources).map(publish));
  const seconds = (performance.now() - startedAt) / 1000;
  const gaps = (await metric(edge.url, 'livemix_edge_ingest_gaps_total')) - before.gaps;
  if (gaps > 0) throw new Error(`${gaps} gaps`);
  return { ...ofTimes(tookMs, seconds), cpuMs: (edge.cpuMs() - before.cpuMs) / tookMs.length };
}

async function bare(disk, writers, side) {
  const everyMs = side === 'bare' ? EVERY_MS : 0;
  const { tookMs, seconds } = await bareWrites(disk, {
    writers,
    bytes: BYTES,
    seconds: SECONDS / 2,
    everyMs,
  });
  return ofTimes(tookMs, seconds);
}

function ofTimes(tookMs, seconds) {
  const [p50Ms, p99Ms] = [0.5, 0.99].map((p) => percentile(tookMs, p));
  return { perSecond: tookMs.length / seconds, p50Ms, p99Ms, count: tookMs.length };
}

function report(runs) {
  const rows = [['', 'segments/s', 'offered', 'best', 'p50 ms', 'p99 ms', 'CPU ms/segment']];
  const figures = { bytes: BYTES, segments: sum(runs.map(({ count }) => count)) };
  for (const sources of STEPS) {
    for (const side of ['recorded', 'unrecorded', 'bare', 'bare, no pace']) {
      const own = runs.filter((run) => run.side === side && run.sources === sources);
      const of = (field) => round(median(own.map((run) => run[field])));
      const best = round(Math.max(...own.map(({ perSecond }) => perSecond)));
      const it = { perSecond: of('perSecond'), best, p50Ms: of('p50Ms'), p99Ms: of('p99Ms') };
      if (own[0].cpuMs !== undefined) it.cpuMsPerSegment = of('cpuMs');
      figures[`${sources} ${side}`] = it;
      const offered = side === 'bare, no pace' ? '' : round((sources * 1000) / EVERY_MS);
      const title = `sources: ${sources}, ${side}`;
      rows.push([title, it.perSecond, offered, best, it.p50Ms, it.p99Ms, it.cpuMsPerSegment]);
    }
  }
  printTable(
    `recording-fsync: segments of 250 KB, a POST names one; medians of ${ROUNDS} runs of ${SECONDS} s, taken in turns`,
    rows,
  );
  for (const sources of STEPS) {
    const of = (side) => figures[`${sources} ${side}`];
    const rate = round(of('recorded').perSecond / of('unrecorded').perSecond);
    const more = round(of('recorded').p50Ms - of('unrecorded').p50Ms);
    const toBare = round(of('recorded').perSecond / of('bare, no pace').perSecond);
    figures[`${sources} recorded : unrecorded`] = rate;
    console.log(
      `sources: ${sources}, recorded : unrecorded  ${rate}; an answer takes ${more} ms more; of what the disk syncs  ${toBare}`,
    );
  }
  console.log();
  printResult('recording-fsync', figures);
}
