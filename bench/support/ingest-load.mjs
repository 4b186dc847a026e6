// Encoders for `ingest`, all in this one process. `push`: each PUTs a segment in chunks and then its playlist, every
// request on a connection of its own that it closes behind the last byte, as `ffmpeg -f hls -method PUT` does.
// `file`: each writes a file and then posts its playlist. Answers a line on stdin with what was sent so far; ends when
// stdin ends and all is sent.
import { mkdirSync } from 'node:fs';
import { unlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { segmentOf } from './encoder.mjs';
import { sleep } from './wait.mjs';

const { way, url, folder, sources, bytes, duration } = JSON.parse(process.argv[2]);
const { hostname, port } = new URL(url);
const LIST_SIZE = 5;
const CHUNK = 32 * 1024;
/** Where a segment holds what no other one holds: in the noise of its sixth packet. */
const OWN = 5 * 188 + 40;
/** Segments that all encoders share but for their own bytes: to make new noise would cost more than to send it. */
const pool = Array.from({ length: 4 }, (_, at) => segmentOf(bytes, at * duration, duration));
const chunkedPool = pool.map(chunked);
const counted = { sent: 0, bytes: 0, late: 0 };
let ending = false;

/** A body as `Transfer-Encoding: chunked` has it, chunk by chunk. */
function chunked(body) {
  const chunks = [];
  for (let at = 0; at < body.length; at += CHUNK) {
    const data = body.subarray(at, at + CHUNK);
    chunks.push(Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]));
  }
  return [...chunks, Buffer.from('0\r\n\r\n')];
}

/** Sends a request and goes, as ffmpeg does; resolves when its bytes have left. */
function send(method, path, chunks, headers = '') {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', (error) => (error.code === 'ECONNRESET' ? undefined : reject(error)));
    socket.on('data', () => undefined);
    socket.on('finish', resolve);
    socket.write(
      `${method} ${path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\nUser-Agent: Lavf/59.27.100\r\nAccept: */*\r\n` +
        `Connection: close\r\nHost: ${hostname}:${port}\r\nIcy-MetaData: 1\r\n${headers}\r\n`,
    );
    for (const chunk of chunks) socket.write(chunk);
    socket.end();
  });
}

const nameOf = (sequence) => `seg-${String(sequence).padStart(6, '0')}.ts`;

function playlistOf(newest) {
  const oldest = Math.max(0, newest - LIST_SIZE + 1);
  const lines = ['#EXTM3U', '#EXT-X-VERSION:3', `#EXT-X-TARGETDURATION:${duration}`];
  lines.push(`#EXT-X-MEDIA-SEQUENCE:${oldest}`);
  for (let at = oldest; at <= newest; at++) lines.push(`#EXTINF:${duration.toFixed(6)},`, nameOf(at));
  return Buffer.from(`${lines.join('\n')}\n`);
}

async function pushSegment(source, sequence) {
  const [first, ...others] = chunkedPool[sequence % pool.length];
  const own = Buffer.from(first);
  own.write(`${source} ${sequence} `, OWN);
  await send('PUT', `/v1/ingest/${source}/${nameOf(sequence)}`, [own, ...others]);
  await send('PUT', `/v1/ingest/${source}/index.m3u8`, chunked(playlistOf(sequence)));
}

async function writeSegment(source, sequence) {
  const own = join(folder, source);
  const segment = pool[sequence % pool.length];
  // Written at once, before another encoder's turn.
  segment.write(`${source} ${sequence} `, OWN);
  await writeFile(join(own, nameOf(sequence)), Buffer.from(segment));
  const headers = `Video-Source-Name: ${source}\r\nMPEG-TS-URI-Prefix: file://${own}\r\n`;
  await send('POST', '/v1/playlist', chunked(playlistOf(sequence)), headers);
  const gone = sequence - 3 * LIST_SIZE;
  if (gone >= 0) await unlink(join(own, nameOf(gone)));
}

/** One encoder in real time; they begin one after the other within a segment's duration. */
async function encode(source, at) {
  let due = performance.now() + (at / sources) * duration * 1000;
  for (let sequence = 0; ; sequence++) {
    while (!ending && performance.now() < due) await sleep(Math.min(50, due - performance.now()));
    if (ending) return;
    counted.late = Math.max(counted.late, performance.now() - due);
    due += duration * 1000;
    await (way === 'push' ? pushSegment : writeSegment)(source, sequence);
    counted.sent += 1;
    counted.bytes += pool[0].length;
  }
}

const names = Array.from({ length: sources }, (_, at) => `camera-${at}`);
if (way === 'file') for (const name of names) mkdirSync(join(folder, name));
const input = createInterface({ input: process.stdin });
input.on('line', () => console.log(JSON.stringify(counted)));
input.on('close', () => {
  ending = true;
});
await Promise.all(names.map(encode));
console.log(JSON.stringify({ ...counted, ended: true }));
