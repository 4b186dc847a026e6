// From an encoder closing a segment's file to control listing the segment, next to a plain PUT of the same file.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Encoder } from './support/encoder.mjs';
import { setMode, startControl, startEdge } from './support/nodes.mjs';
import { MB, percentile, round } from './support/numbers.mjs';
import { printResult, printTable, verdict } from './support/report.mjs';
import { withScope } from './support/scope.mjs';
import { tempFolder } from './support/temp-folder.mjs';
import { sleep, until } from './support/wait.mjs';

const SEGMENTS = Number(process.env.BENCH_SEGMENTS ?? 80);
const EVERY_MS = 1_000;
const GOAL_P50 = 50;
const agent = new Agent({ keepAlive: true });

await withScope(175, async (scope) => {
  const media = await tempFolder(scope);
  const control = await startControl(scope);
  const edge = await startEdge(scope, { controlUrl: control.url, mediaRoot: media });
  const encoder = new Encoder({ edgeUrl: edge.url, folder: media, duration: 1, bytes: MB });
  await encoder.fill(6);
  await setMode(control.url, encoder.source, 'always');
  const playlistUrl = `${control.url}/live/${encoder.source}/index.m3u8`;
  await until('control lists something', async () => (await fetch(playlistUrl)).ok);
  const sinkUrl = await startSink(scope);

  const listed = [];
  const put = [];
  await plainPut(sinkUrl, join(media, 'seg-000000.ts'));
  for (let at = 0; at < SEGMENTS; at++) {
    const startedAt = performance.now();
    const etag = (await ask(playlistUrl)).etag;
    const { closedAt, posted, sequence } = await encoder.publish();
    listed.push(await changed(playlistUrl, etag, closedAt));
    await posted;
    put.push(await plainPut(sinkUrl, join(media, `seg-${String(sequence).padStart(6, '0')}.ts`)));
    await sleep(Math.max(0, startedAt + EVERY_MS - performance.now()));
  }
  agent.destroy();
  const of = (values) => ({
    p50Ms: round(percentile(values, 0.5)),
    p90Ms: round(percentile(values, 0.9)),
    maxMs: round(Math.max(...values)),
  });
  const figures = { segments: SEGMENTS, listed: of(listed), put: of(put) };
  const row = (name, { p50Ms, p90Ms, maxMs }) => [name, p50Ms, p90Ms, maxMs];
  printTable(`latency: ${SEGMENTS} segments of 1 MB, one a second, loopback; ms`, [
    ['', 'p50', 'p90', 'max'],
    row('file closed → listed by control', figures.listed),
    row('plain PUT of the file to node:http', figures.put),
  ]);
  console.log(
    `\nfile closed → listed, p50 ms  ${figures.listed.p50Ms}  ${verdict(figures.listed.p50Ms <= GOAL_P50, GOAL_P50)}\n`,
  );
  printResult('latency', figures);
});

/** Polls until the playlist is another; how long after `closedAt` the answer was here. A poll a millisecond, at most. */
async function changed(url, etag, closedAt) {
  for (;;) {
    const answer = await ask(url, etag);
    if (answer.status === 200) return performance.now() - closedAt;
    if (performance.now() - closedAt > 10_000) throw new Error('a segment was not listed within 10 s');
    await sleep(1);
  }
}

function ask(url, etag) {
  return new Promise((resolve, reject) => {
    const headers = etag === undefined ? {} : { 'If-None-Match': etag };
    const asking = request(url, { agent, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode, etag: response.headers.etag }));
    });
    asking.on('error', reject);
    asking.end();
  });
}

async function plainPut(url, file) {
  const startedAt = performance.now();
  const { size } = await stat(file);
  await new Promise((resolve, reject) => {
    const putting = request(
      url,
      { method: 'PUT', agent, headers: { 'Content-Length': size } },
      (response) => {
        response.resume();
        response.on('end', resolve);
      },
    );
    putting.on('error', reject);
    createReadStream(file, { highWaterMark: 256 * 1024 })
      .on('error', reject)
      .pipe(putting);
  });
  return performance.now() - startedAt;
}

/** A server in a thread of its own that reads a body and answers. */
async function startSink(scope) {
  const code = `
    const { createServer } = require('node:http');
    const { parentPort } = require('node:worker_threads');
    const server = createServer((request, response) => {
      request.on('data', () => undefined);
      request.on('end', () => response.writeHead(201, { 'Content-Length': 0 }).end());
    });
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;
  const worker = new Worker(code, { eval: true });
  scope.defer(() => worker.terminate());
  const port = await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return `http://127.0.0.1:${port}/`;
}
