// Starting a recording while the edge's link is cut, next to while it is up: it must not wait for the network.
import { startCuttableProxy } from './support/cuttable-proxy.mjs';
import { Encoder } from './support/encoder.mjs';
import { startControl, startEdge } from './support/nodes.mjs';
import { median, percentile, round } from './support/numbers.mjs';
import { ask, startRecording } from './support/recordings.mjs';
import { printResult, printTable, verdict } from './support/report.mjs';
import { withScope } from './support/scope.mjs';
import { tempFolder } from './support/temp-folder.mjs';
import { sleep, until } from './support/wait.mjs';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const POSTS = Number(process.env.BENCH_SEGMENTS ?? 80);
const GOAL = 1.5;
const sides = {
  up: 'the link is up',
  cut: 'cut, control has not noticed',
  offline: 'cut, control knows',
};

await withScope(175, async (scope) => {
  const media = await tempFolder(scope);
  const control = await startControl(scope);
  const proxy = await startCuttableProxy(scope, control.url);
  const edge = await startEdge(scope, { controlUrl: proxy.url, mediaRoot: media });
  const encoder = new Encoder({ edgeUrl: edge.url, folder: media, duration: 2, bytes: 200_000 });
  await encoder.fill(3);
  encoder.run(scope);
  const isIn = async (...states) => {
    const response = await fetch(`${control.url}/v1/sources/${encoder.source}`);
    return response.ok && states.includes((await response.json()).state);
  };
  await until('control knows the source', () => isIn('idle', 'live'));
  await startSome(control.url, encoder.source); // Code is compiled.

  const rounds = [];
  for (let at = 0; at < ROUNDS; at++) {
    const round = { up: await startSome(control.url, encoder.source) };
    proxy.cut();
    round.cut = await startSome(control.url, encoder.source);
    if (await isIn('offline')) throw new Error('control noticed before the posts were done: fewer of them');
    await until('control notices', () => isIn('offline'));
    round.offline = await startSome(control.url, encoder.source);
    proxy.heal();
    await until('the edge is back', () => isIn('idle', 'live'), 40_000);
    await sleep(500);
    rounds.push(round);
  }
  report(rounds);
});

/** How long each of so many starts took, in ms. */
async function startSome(controlUrl, source) {
  const took = [];
  for (let at = 0; at < POSTS; at++) {
    const startedAt = performance.now();
    const { id } = await startRecording(controlUrl, source);
    took.push(performance.now() - startedAt);
    await ask(controlUrl, 'DELETE', `/v1/recordings/${id}`);
    await sleep(5);
  }
  return took;
}

function report(rounds) {
  const of = (side, p) => round(median(rounds.map((each) => percentile(each[side], p))));
  const figures = { rounds: ROUNDS, posts: POSTS };
  const rows = [['', 'p50', 'p99', 'max of all']];
  for (const [side, title] of Object.entries(sides)) {
    const all = rounds.flatMap((each) => each[side]);
    figures[side] = { p50Ms: of(side, 0.5), p99Ms: of(side, 0.99), maxMs: round(Math.max(...all)) };
    rows.push([title, figures[side].p50Ms, figures[side].p99Ms, figures[side].maxMs]);
  }
  printTable(
    `recording-start: POST /v1/recordings, ${POSTS} in a round, medians of ${ROUNDS} rounds; ms`,
    rows,
  );
  const ratio = (side, p) =>
    round(median(rounds.map((each) => percentile(each[side], p) / percentile(each.up, p))));
  figures.ratios = {
    cutP50: ratio('cut', 0.5),
    cutP99: ratio('cut', 0.99),
    offlineP50: ratio('offline', 0.5),
    offlineP99: ratio('offline', 0.99),
  };
  const { cutP50, cutP99, offlineP50, offlineP99 } = figures.ratios;
  const p50Met = Math.max(cutP50, offlineP50) <= GOAL;
  console.log(`
medians of the rounds' ratios to the link that is up
  p50, cut and not noticed · noticed  ${cutP50} · ${offlineP50}  ${verdict(p50Met, `≤ ${GOAL}`)}
  p99, cut and not noticed · noticed  ${cutP99} · ${offlineP99}
`);
  printResult('recording-start', figures);
}
