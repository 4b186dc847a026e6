// How fast what an edge recorded without control goes to the store when control is back, over loopback.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bareWrites } from './support/bare-writes.mjs';
import { Encoder } from './support/encoder.mjs';
import { freePort } from './support/free-port.mjs';
import { metric, profileFlags, startControl, startEdge } from './support/nodes.mjs';
import { MB, round, sum } from './support/numbers.mjs';
import { recordingOf, startRecording } from './support/recordings.mjs';
import { printResult, printTable } from './support/report.mjs';
import { Scope, withScope } from './support/scope.mjs';
import { tempFolder } from './support/temp-folder.mjs';
import { sleep, until } from './support/wait.mjs';

const SEGMENTS = Number(process.env.BENCH_SEGMENTS ?? 500);
const STEPS = [1, 4];
const AT_ONCE = 5;

await withScope(175, async (scope) => {
  const figures = {};
  for (const sources of STEPS) {
    const own = new Scope();
    scope.defer(() => own.close());
    figures[`sources: ${sources}`] = await drained(own, sources);
    await own.close();
    const disk = await tempFolder(scope);
    const bare = await bareWrites(disk, { writers: sources, bytes: MB, files: SEGMENTS / sources });
    figures[`sources: ${sources}`].bareMBPerSecond = round(SEGMENTS / bare.seconds);
  }
  report(figures);
});

async function drained(scope, sources) {
  const media = await tempFolder(scope);
  const flags = {
    listen: `127.0.0.1:${await freePort()}`,
    'data-dir': join(await tempFolder(scope), 'control'),
  };
  const before = await startControl(scope, { flags });
  const edge = await startEdge(scope, {
    ...{
      controlUrl: before.url,
      mediaRoot: media,
      flags: { 'spool-bytes': '8GiB' },
      nodeFlags: profileFlags,
    },
  });
  const encoders = [];
  const recordings = [];
  for (let at = 0; at < sources; at++) {
    const own = { edgeUrl: edge.url, folder: join(media, `camera-${at}`), source: `camera-${at}` };
    await mkdir(own.folder);
    encoders.push(new Encoder({ ...own, duration: 2, bytes: MB, listSize: 2 * AT_ONCE }));
    await encoders[at].fill(1);
    await until(
      'control knows the source',
      async () => (await fetch(`${before.url}/v1/sources/${own.source}`)).ok,
    );
    const { id } = await startRecording(before.url, own.source, '-1m');
    await until('the first is stored', async () => (await recordingOf(before.url, id)).segments > 0);
    recordings.push(id);
  }
  await before.stop();
  const each = SEGMENTS / sources;
  for (let made = 0; made < each; made += AT_ONCE) {
    await sleep(60); // An edge takes 20 playlists a second of a source.
    await Promise.all(encoders.map((encoder) => makeSome(encoder)));
  }
  return measure(edge, await startControl(scope, { flags, nodeFlags: profileFlags }), recordings, each + 1);
}

async function makeSome(encoder) {
  for (let at = 0; at < AT_ONCE; at++) await encoder.make();
  const { added } = await encoder.post();
  if (added !== AT_ONCE) throw new Error(`${added} segments were added, not ${AT_ONCE}`);
}

/** From the first segment that is stored to the last; looked at ten times a second. */
async function measure(edge, control, recordings, each) {
  const stored = () => metric(control.url, 'livemix_control_store_bytes_total');
  const look = async () => ({
    ...{ bytes: await stored(), at: performance.now(), edgeMs: edge.cpuMs(), controlMs: control.cpuMs() },
    ...{ edgeWaited: edge.waitedMs(), controlWaited: control.waitedMs() },
  });
  const startedAt = performance.now();
  await until('it begins', async () => (await stored()) > 0, 60_000);
  const first = await look();
  let last = first;
  const all = SEGMENTS * 0.999 * MB;
  while (last.bytes < all) {
    if (performance.now() - first.at > 60_000) throw new Error(`${last.bytes} bytes were stored within 60 s`);
    await sleep(100);
    last = await look();
  }
  const megabytes = (last.bytes - first.bytes) / MB;
  const seconds = (last.at - first.at) / 1000;
  const found = await Promise.all(recordings.map((id) => recordingOf(control.url, id)));
  return {
    waitedSeconds: round((first.at - startedAt) / 1000),
    seconds: round(seconds),
    MBPerSecond: round(megabytes / seconds),
    edgeMsPerMB: round((last.edgeMs - first.edgeMs) / megabytes),
    controlMsPerMB: round((last.controlMs - first.controlMs) / megabytes),
    edgeCpuPercent: round((last.edgeMs - first.edgeMs) / seconds / 10),
    controlCpuPercent: round((last.controlMs - first.controlMs) / seconds / 10),
    waitsPercent: round(
      (last.edgeWaited - first.edgeWaited + last.controlWaited - first.controlWaited) / seconds / 10,
    ),
    repeatedBytes: await metric(edge.url, 'livemix_edge_uplink_repeated_bytes_total'),
    missing: recordings.length * each - sum(found.map(({ segments }) => segments)),
    gaps: sum(found.map(({ gaps }) => gaps.filter(({ reason }) => reason !== 'source_silent').length)),
  };
}

function report(figures) {
  const sides = Object.keys(figures);
  const row = (title, field) => [title, ...sides.map((side) => figures[side][field])];
  printTable(`drain: ${SEGMENTS} segments of 1 MB, recorded without control, to the folder store`, [
    ['', ...sides],
    row('MB/s', 'MBPerSecond'),
    row('a bare loop of write, fsync, rename, fsync of as many writers, MB/s', 'bareMBPerSecond'),
    row('CPU of the edge for a MB, ms', 'edgeMsPerMB'),
    row('CPU of control for a MB, ms', 'controlMsPerMB'),
    row('CPU of the edge, % of a core', 'edgeCpuPercent'),
    row('CPU of control, % of a core', 'controlCpuPercent'),
    row('waits, both together, %', 'waitsPercent'),
    row('from the start of control to the first one stored, s', 'waitedSeconds'),
    row('sent more than once, bytes', 'repeatedBytes'),
    row('not stored, gaps', 'missing'),
  ]);
  console.log();
  printResult('drain', figures);
}
