// Two hundred viewers at two hundred positions of a recording: how often the store is read, and how often a segment
// was in the cache before it was asked for.
import { Agent, get } from 'node:http';
import { SERVER_CORE } from './support/child.mjs';
import { metric, profileFlags, startControl } from './support/nodes.mjs';
import { percentile, round, sum } from './support/numbers.mjs';
import { printResult, printTable, verdict } from './support/report.mjs';
import { withScope } from './support/scope.mjs';
import { storeRecording } from './support/stored-recording.mjs';
import { sleep } from './support/wait.mjs';

const VIEWERS = Number(process.env.BENCH_VIEWERS ?? 200);
const EACH = Number(process.env.BENCH_SEGMENTS ?? 30);
const SEGMENTS = 900; // An hour of 4 s.
const BYTES = 50_000;
const TEN_TIMES_AS_FAST_MS = 400;
const AHEAD = 3;
const GOAL_READS = 1;
const GOAL_HITS = 0.95;
/** Half of it is for recordings: all of this one, or less than a segment for each viewer. */
const caches = { ample: 'memory:?max=256MiB', tight: 'memory:?max=16MiB' };

await withScope(150, async (scope) => {
  const recording = await storeRecording(scope, { segments: SEGMENTS, duration: 4, bytes: BYTES });
  const figures = {};
  for (const [name, url] of Object.entries(caches)) {
    const flags = { ...recording.flags, 'cache-url': url };
    const control = await startControl(scope, { core: SERVER_CORE, nodeFlags: profileFlags, flags });
    figures[name] = await play(control, recording.ids[0]);
    await control.stop(); // The next one works on the same folder.
  }
  report(figures);
});

async function play(control, id) {
  const agent = new Agent({ keepAlive: true });
  const before = { ...(await counted(control.url)), cpuMs: control.cpuMs() };
  const viewers = Array.from({ length: VIEWERS }, (_, at) => ({
    position: Math.floor((at * (SEGMENTS - EACH)) / VIEWERS),
    startsAt: (at / VIEWERS) * TEN_TIMES_AS_FAST_MS,
  }));
  const playlistUrl = `${control.url}/recordings/${id}/index.m3u8`;
  const begun = await Promise.all(
    viewers.map(async ({ position, startsAt }) => {
      await sleep(startsAt);
      const text = (await fetchWith(agent, playlistUrl)).body.toString();
      const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      const own = lines.slice(position, position + EACH).map((line) => new URL(line, playlistUrl).href);
      return { first: await fetchWith(agent, own[0]), own };
    }),
  );
  const sought = await counted(control.url);
  const startedAt = performance.now();
  const answers = await Promise.all(
    begun.map(({ own }, at) => playOn(agent, own, startedAt + viewers[at].startsAt)),
  );
  const after = await counted(control.url);
  agent.destroy();

  const wanted = new Set();
  for (const { position } of viewers) {
    const end = Math.min(SEGMENTS, position + EACH + AHEAD);
    for (let index = position; index < end; index++) wanted.add(index);
  }
  const hits = (from, to) => round((to.cache - from.cache) / (to.cache - from.cache + to.store - from.store));
  const all = [...begun.map(({ first }) => first), ...answers.flat()];
  const times = answers.flat().map(({ tookMs }) => tookMs);
  return {
    requests: all.length,
    distinct: wanted.size,
    storeReads: after.reads - before.reads,
    readsPerSegment: round((after.reads - before.reads) / wanted.size),
    hitsSeeking: hits(before, sought),
    hitsPlaying: hits(sought, after),
    hits: hits(before, after),
    p50Ms: round(percentile(times, 0.5)),
    p99Ms: round(percentile(times, 0.99)),
    cpuMsPerRequest: round((control.cpuMs() - before.cpuMs) / all.length),
    errors: sum(all.map(({ status, body }) => (status === 200 && body.length === BYTES ? 0 : 1))),
  };
}

/** One segment after the other, each when it is due. */
async function playOn(agent, urls, startsAt) {
  const answers = [];
  for (const [index, url] of urls.entries()) {
    if (index === 0) continue;
    await sleep(Math.max(0, startsAt + index * TEN_TIMES_AS_FAST_MS - performance.now()));
    answers.push(await fetchWith(agent, url));
  }
  return answers;
}

function fetchWith(agent, url) {
  const askedAt = performance.now();
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const tookMs = performance.now() - askedAt;
        resolve({ status: response.statusCode, body: Buffer.concat(chunks), tookMs });
      });
    });
    request.on('error', reject);
  });
}

async function counted(url) {
  return {
    reads: await metric(url, 'livemix_control_store_reads_total'),
    cache: await metric(url, 'livemix_control_replay_segments_total{from="cache"}'),
    store: await metric(url, 'livemix_control_replay_segments_total{from="store"}'),
  };
}

function report(figures) {
  const sides = Object.keys(figures);
  const row = (title, field) => [title, ...sides.map((side) => figures[side][field])];
  printTable(
    `replay-spread: ${VIEWERS} viewers, each ${EACH} segments of 50 KB in a row, ten times as fast as they play`,
    [
      ['cache for recordings', '128 MiB', '8 MiB'],
      row('segments asked for', 'requests'),
      row('distinct ones, with those read ahead', 'distinct'),
      row('reads of the store', 'storeReads'),
      row('reads for each distinct segment', 'readsPerSegment'),
      row('from the cache: where a viewer began', 'hitsSeeking'),
      row('from the cache: from there on', 'hitsPlaying'),
      row('from the cache: all', 'hits'),
      row('a segment, p50 ms', 'p50Ms'),
      row('a segment, p99 ms', 'p99Ms'),
      row('CPU of control for a segment, ms', 'cpuMsPerRequest'),
      row('errors', 'errors'),
    ],
  );
  const { readsPerSegment, hits } = figures.ample;
  const reads = verdict(readsPerSegment <= GOAL_READS, `≤ ${GOAL_READS}`);
  console.log(`\nreads of the store for each distinct segment  ${readsPerSegment}  ${reads}`);
  console.log(`segments that came from the cache  ${hits}  ${verdict(hits >= GOAL_HITS, `≥ ${GOAL_HITS}`)}`);
  console.log('The cache of 8 MiB has no goal: it holds less than one segment for each viewer.\n');
  printResult('replay-spread', figures);
}
