// The playlist of a recording of a day: the first time after a start, then as a file of that size from nginx, and what
// it does to those who poll a live playlist meanwhile.
import { gunzipSync, gzipSync } from 'node:zlib';
import { LOAD_CORE, need, SERVER_CORE } from './support/child.mjs';
import { startLiveSource } from './support/live-source.mjs';
import { startNginx } from './support/nginx.mjs';
import { metric, profileFlags, startControl } from './support/nodes.mjs';
import { MB, median, round } from './support/numbers.mjs';
import { printResult, printTable, verdict } from './support/report.mjs';
import { saveAs } from './support/save-site.mjs';
import { withScope } from './support/scope.mjs';
import { storeRecording } from './support/stored-recording.mjs';
import { tempFolder } from './support/temp-folder.mjs';
import { startViewers } from './support/viewers.mjs';
import { sleep } from './support/wait.mjs';
import { runWrk } from './support/wrk.mjs';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const SEGMENTS = Number(process.env.BENCH_SEGMENTS ?? 21_600);
const CONNECTIONS = 4;
const AT_ONCE = 20;
const GOAL_P99 = 2;
const encodings = { identity: 'identity', gzip: 'gzip' };

await withScope(178, async (scope) => {
  need('nginx', 'wrk', 'taskset');
  // Recordings of the same span, so that each first time can be had while others poll.
  const day = await storeRecording(scope, {
    ...{ segments: SEGMENTS, duration: 4, bytes: 5_000, stored: 8, copies: 9 },
  });
  const path = (at) => `/recordings/${day.ids[at]}/index.m3u8`;
  const first = [];
  for (const atOnce of [1, 1, 1, AT_ONCE]) first.push(await firstTime(scope, day, path(0), atOnce));

  const { control, playlistUrl } = await startLiveSource(scope, {
    ...{ duration: 2, bytes: MB, flags: day.flags, nodeFlags: profileFlags },
  });
  const text = Buffer.from(await (await fetch(control.url + path(0))).arrayBuffer());
  const packed = await packedOf(control.url + path(0));
  const root = await tempFolder(scope);
  const nginx = await startNginx(scope, root, { core: SERVER_CORE, way: 'sendfile' });
  await saveAs(root, `${nginx.url}/live/identity.m3u8`, text);
  await saveAs(root, `${nginx.url}/live/gzip.m3u8`, packed);
  const rounds = [];
  for (let at = 0; at < ROUNDS; at++) rounds.push(await serve(scope, control, nginx, path(0), at));

  const polls = { quiet: await polled(scope, playlistUrl, async () => undefined) };
  const pace = async (everyMs, times, ask) => {
    for (let at = 0; at < times; at++) {
      const due = performance.now() + everyMs;
      await ask(at);
      await sleep(Math.max(0, due - performance.now()));
    }
  };
  polls.served = await polled(scope, playlistUrl, () =>
    pace(50, 160, (at) => drain(control.url + path(0), at % 2 === 0 ? 'gzip' : 'identity')),
  );
  polls.made = await polled(scope, playlistUrl, () =>
    pace(1_000, day.ids.length - 1, (at) => drain(control.url + path(at + 1), 'gzip')),
  );
  report({ day, first, bytes: { identity: text.length, gzip: packed.length }, rounds, polls });
});

/** From a control that has just started: the first GET, or so many at once, and the one after. */
async function firstTime(scope, day, path, atOnce) {
  const control = await startControl(scope, { core: SERVER_CORE, flags: day.flags });
  await fetch(`${control.url}/healthz`);
  await sleep(300);
  await metric(control.url, 'nodejs_eventloop_lag_max_seconds'); // Each reading begins anew.
  const cpuBefore = control.cpuMs();
  const firstMs = await timed(() =>
    Promise.all(Array.from({ length: atOnce }, () => drain(control.url + path, 'gzip'))),
  );
  const cpuMs = control.cpuMs() - cpuBefore;
  const lagMs = 1_000 * (await metric(control.url, 'nodejs_eventloop_lag_max_seconds'));
  const secondMs = await timed(() => drain(control.url + path, 'gzip'));
  await control.stop();
  return { atOnce, firstMs: round(firstMs), secondMs: round(secondMs), cpuMs, lagMaxMs: round(lagMs) };
}

/** Each side in turns, both encodings. */
async function serve(scope, control, nginx, path, at) {
  const runs = {};
  for (const [encoding, name] of Object.entries(encodings)) {
    const sides = { control: [control, path], nginx: [nginx, `/live/${encoding}.m3u8`] };
    const names = Object.keys(sides);
    for (const side of at % 2 === 0 ? names : names.toReversed()) {
      const [server, own] = sides[side];
      const headers = [`Accept-Encoding: ${name}`];
      const load = { seconds: SECONDS, connections: CONNECTIONS, headers };
      runs[`${side} ${encoding}`] = await runWrk(scope, server, [own], load);
    }
  }
  return runs;
}

/** What forty viewers see that poll a live playlist ten times a second while something else goes on. */
async function polled(scope, playlistUrl, meanwhile) {
  const orders = { viewers: 40, pollEveryMs: 100, segments: false, seconds: 8, rampMs: 100, warmUpMs: 500 };
  const load = startViewers(scope, playlistUrl, orders, LOAD_CORE);
  await load.measuring;
  await meanwhile();
  const { polls, errors } = await load.done;
  await load.end();
  return { ...polls, errors: Object.values(errors).reduce((total, count) => total + count, 0) };
}

async function timed(task) {
  const startedAt = performance.now();
  await task();
  return performance.now() - startedAt;
}

async function drain(url, encoding) {
  const response = await fetch(url, { headers: { 'Accept-Encoding': encoding } });
  const body = await response.arrayBuffer();
  if (!response.ok || body.byteLength === 0) throw new Error(`${url} answered ${response.status}`);
}

/** The gzip that control sends; `fetch` would unpack it, so it is packed again as control does. */
async function packedOf(url) {
  const response = await fetch(url, { method: 'HEAD', headers: { 'Accept-Encoding': 'gzip' } });
  const text = Buffer.from(await (await fetch(url)).arrayBuffer());
  const packed = gzipSync(text, { level: 4 });
  if (String(packed.length) !== response.headers.get('content-length')) {
    throw new Error(
      `control packs it into ${response.headers.get('content-length')} bytes, not ${packed.length}`,
    );
  }
  if (gunzipSync(packed).length !== text.length) throw new Error('gzip');
  return packed;
}

function report({ day, first, bytes, rounds, polls }) {
  const ones = first.filter(({ atOnce }) => atOnce === 1);
  const crowd = first.find(({ atOnce }) => atOnce > 1);
  const best = (field) => Math.min(...ones.map((each) => each[field]));
  printTable(`replay-playlist: ${SEGMENTS} segments; the first GET after a start (best of ${ones.length})`, [
    ['', '1 GET', `${AT_ONCE} at once`],
    ['the first, ms', best('firstMs'), crowd.firstMs],
    ['CPU of it, ms', best('cpuMs'), crowd.cpuMs],
    ['event loop stood still, at most, ms', best('lagMaxMs'), crowd.lagMaxMs],
    ['the next GET, ms', best('secondMs'), crowd.secondMs],
  ]);
  const rows = [['', 'KB', 'MB/s', 'p50 ms', 'p99 ms', 'CPU µs/request', 'waits %', 'errors']];
  const figures = { rebuildMs: round(day.rebuildMs), bytes, first, serving: {}, polls };
  for (const side of Object.keys(rounds[0])) {
    const of = (field) => round(median(rounds.map((runs) => runs[side][field])));
    const it = { p50Ms: of('p50Ms'), p99Ms: of('p99Ms'), cpuUsPerRequest: of('cpuUsPerRequest') };
    figures.serving[side] = it;
    const errors = rounds.reduce((total, runs) => total + runs[side].errors, 0);
    const kb = round(bytes[side.split(' ')[1]] / 1000);
    const rate = round(of('bytesPerSecond') / MB);
    rows.push([side, kb, rate, it.p50Ms, it.p99Ms, it.cpuUsPerRequest, of('waitedPercent'), errors]);
  }
  printTable(
    `then, ${CONNECTIONS} connections; medians of ${ROUNDS} runs of ${SECONDS} s, taken in turns`,
    rows,
  );
  const poll = (title, { p50Ms, p99Ms, maxMs, errors }) => [title, p50Ms, p99Ms, maxMs, errors];
  printTable('a live playlist, 400 polls a second, meanwhile; ms', [
    ['', 'p50', 'p99', 'max', 'errors'],
    poll('nothing else', polls.quiet),
    poll('the playlist of the day 20 times a second', polls.served),
    poll('another one for the first time each second', polls.made),
  ]);
  console.log();
  for (const encoding of Object.keys(encodings)) {
    const ratios = rounds.map((runs) => runs[`control ${encoding}`].p99Ms / runs[`nginx ${encoding}`].p99Ms);
    const ratio = round(median(ratios));
    figures.serving[`p99 ratio ${encoding}`] = ratio;
    console.log(
      `p99, control : nginx, ${encoding}  ${ratio}  ${verdict(ratio <= GOAL_P99, `≤ ${GOAL_P99}`)}`,
    );
  }
  console.log(`rebuild of the catalog  ${round(day.rebuildMs / 1000)} s\n`);
  printResult('replay-playlist', figures);
}
