import { spawn } from 'node:child_process';
import { createReadStream, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Mp4Input, remuxToMp4 } from '../../src/control/replay/mp4/remux.ts';
import { TransportStreamCheck } from '../../src/mpegts/transport-stream-check.ts';

/** Runs a program to its end; rejects with what it complained about. */
export function run(program: string, args: readonly string[], input?: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'pipe' });
    let [out, complaints] = ['', ''];
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      complaints += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(out) : reject(new Error(`${program}: ${complaints}`))));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

export const picture = (size = '160x90') => ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25`];
export const sound = ['-f', 'lavfi', '-i', 'sine=440:sample_rate=48000'];
/** Key frames every two seconds, two B-frames between others. */
export const h264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '50', '-sc_threshold', '0', '-bf', '2'];
export const aac = ['-c:a', 'aac', '-b:a', '64k'];

/** Segments as an HLS encoder makes them, two seconds each. */
export async function film(
  folder: string,
  args: readonly string[],
  { offset = 0, muxer = [] as readonly string[] } = {},
): Promise<readonly Buffer[]> {
  mkdirSync(folder, { recursive: true });
  await run('ffmpeg', [
    ...['-v', 'error', '-nostdin', ...args, '-output_ts_offset', String(offset)],
    ...[
      '-f',
      'segment',
      '-segment_time',
      '2',
      '-segment_format',
      'mpegts',
      ...muxer,
      join(folder, '%03d.ts'),
    ],
  ]);
  const names = readdirSync(folder).sort();
  return names.map((name) => readFileSync(join(folder, name)));
}

/** Stretches of segments as inputs: each stretch but the first begins with a discontinuity. */
export const inputsOf = (...stretches: (readonly Buffer[])[]): Mp4Input[] =>
  stretches.flatMap((segments, stretch) =>
    segments.map((bytes, index) => ({
      bytes: async () => bytes,
      extension: 'ts',
      discontinuity: index === 0 && stretch > 0,
      at: Date.UTC(2026, 4, 17, 10),
      duration: spanOf(segments) / segments.length,
    })),
  );

function spanOf(segments: readonly Buffer[]): number {
  const check = new TransportStreamCheck();
  for (const segment of segments) check.push(segment);
  return check.span;
}

/** Writes the MP4, and says which inputs were left out. */
export async function remuxToFile(path: string, inputs: Iterable<Mp4Input>): Promise<number[]> {
  const leftOut: number[] = [];
  const list = [...inputs];
  const onLeftOut = (input: Mp4Input) => leftOut.push(list.indexOf(input));
  const chunks: Buffer[] = [];
  for await (const chunk of remuxToMp4(list, { onLeftOut })) chunks.push(chunk);
  await writeFile(path, Buffer.concat(chunks));
  return leftOut;
}

export type ProbedPacket = { stream: number; pts: number; dts: number; key: boolean };
export type Probed = {
  readonly duration: number;
  readonly streams: readonly { codec: string; start: number }[];
  readonly packets: readonly ProbedPacket[];
};

/** What ffprobe sees in a file. */
export async function look(path: string): Promise<Probed> {
  const entries = 'format=duration:stream=codec_name,start_time:packet=stream_index,pts_time,dts_time,flags';
  const answer = JSON.parse(
    await run('ffprobe', ['-v', 'error', '-show_entries', entries, '-of', 'json', path]),
  );
  return {
    duration: Number(answer.format.duration),
    streams: answer.streams.map((stream: Record<string, string>) => ({
      codec: stream['codec_name'],
      start: Number(stream['start_time']),
    })),
    packets: answer.packets.map((packet: Record<string, string>) => ({
      stream: Number(packet['stream_index']),
      pts: Number(packet['pts_time']),
      dts: Number(packet['dts_time']),
      key: packet['flags']!.includes('K'),
    })),
  };
}

/** A hash of each packet of an MP4, by stream: video first. `decoded`: of the pictures and the sound in them. */
export async function hashes(path: string, decoded = false): Promise<readonly string[][]> {
  const lines = await run('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-i', path, '-map', '0:v?', '-map', '0:a?'],
    ...(decoded ? ['-vsync', 'passthrough'] : ['-c', 'copy']),
    ...['-f', 'framemd5', '-'],
  ]);
  const streams: string[][] = [];
  for (const line of lines.split('\n')) {
    const fields = line.split(',').map((field) => field.trim());
    if (line.startsWith('#') || fields.length < 6) continue;
    const stream = Number(fields[0]);
    streams[stream] ??= [];
    streams[stream].push(`${fields[4]} ${fields[5]}`);
  }
  return streams;
}

/** The same of segments: ffmpeg puts them into an MP4 of its own, so that packets are written the same way. */
export async function hashesOfSegments(
  folder: string,
  segments: readonly Buffer[],
  decoded = false,
): Promise<readonly string[][]> {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `reference-${segments.length}-${segments[0]!.length}.mp4`);
  await run(
    'ffmpeg',
    ['-v', 'error', '-y', '-f', 'mpegts', '-i', 'pipe:0', '-map', '0:v?', '-map', '0:a?', '-c', 'copy', path],
    Buffer.concat(segments),
  );
  return hashes(path, decoded);
}

/** The hash of the picture that is shown first when a player jumps to `seconds`. */
export async function pictureAt(path: string, seconds: number): Promise<string> {
  const args = ['-v', 'error', '-nostdin', '-ss', String(seconds), '-i', path];
  const lines = await run('ffmpeg', [...args, '-map', '0:v', '-frames:v', '1', '-f', 'framemd5', '-']);
  return lines.trim().split(',').at(-1)!.trim();
}

/** The hash of each picture and when it is shown. */
export async function picturesOf(path: string): Promise<readonly { at: number; hash: string }[]> {
  const args = ['-v', 'error', '-nostdin', '-copyts', '-i', path, '-map', '0:v', '-enc_time_base', '1/90000'];
  const lines = await run('ffmpeg', [...args, '-vsync', 'passthrough', '-f', 'framemd5', '-']);
  return lines
    .split('\n')
    .filter((line) => !line.startsWith('#') && line.includes(','))
    .map((line) => {
      const fields = line.split(',').map((field) => field.trim());
      return { at: Number(fields[2]) / 90_000, hash: fields[5]! };
    });
}

/** A web server with one file, any part of which can be had. */
export async function serveFile(path: string): Promise<{ url: string } & AsyncDisposable> {
  const { size } = statSync(path);
  const server = createServer((request, response) => {
    const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? [];
    const [start, end] = [Number(from), to === '' ? size - 1 : Number(to)];
    response.writeHead(request.headers.range === undefined ? 200 : 206, {
      'Content-Type': 'video/mp4',
      'Content-Length': end - start + 1,
      'Accept-Ranges': 'bytes',
      'Content-Range': `bytes ${start}-${end}/${size}`,
    });
    const stream = createReadStream(path, { start, end });
    response.on('close', () => stream.destroy());
    stream.pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/recording.mp4`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
