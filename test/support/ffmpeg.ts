import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Running } from './process.ts';

/** A camera-like stream: picture with a counter, a tone, a key frame every two seconds. */
const picture = (size: string) => ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25`];
const sound = ['-f', 'lavfi', '-i', 'sine=440:sample_rate=48000'];
const coding = [
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
  '-tune',
  'zerolatency',
  '-b:v',
  '400k',
  '-c:a',
  'aac',
  '-b:a',
  '64k',
];

export type FfmpegPush = {
  readonly edgeUrl: string;
  readonly source: string;
  readonly folder: string;
  readonly size?: string;
  /** After `-f hls -hls_time 2 -hls_list_size 5`. */
  readonly flags?: readonly string[];
  readonly keyFrames?: readonly string[];
  readonly fileName?: string;
};

/** Stock ffmpeg, as the README shows it. */
export function pushWithFfmpeg(push: FfmpegPush): Running {
  const { edgeUrl, source, folder, size = '320x180', flags = [], fileName = 'cam-%03d.ts' } = push;
  const keyFrames = push.keyFrames ?? ['-g', '50', '-sc_threshold', '0'];
  const headers = `Video-Source-Name: ${source}\r\nMPEG-TS-URI-Prefix: file://${folder}\r\n`;
  return new Running('ffmpeg', [
    ...[
      '-hide_banner',
      '-loglevel',
      'warning',
      '-nostdin',
      '-re',
      ...picture(size),
      '-re',
      ...sound,
      ...coding,
      ...keyFrames,
    ],
    ...['-f', 'hls', '-hls_time', '2', '-hls_list_size', '5', ...flags],
    ...[
      '-hls_segment_filename',
      `${folder}/${fileName}`,
      '-headers',
      headers,
      '-method',
      'POST',
      `${edgeUrl}/v1/playlist`,
    ],
  ]);
}

/** Stock ffmpeg that pushes segments and playlist alike, as the README shows it. */
export function pushAllWithFfmpeg(push: Omit<FfmpegPush, 'folder'>): Running {
  const {
    edgeUrl,
    source,
    size = '320x180',
    flags = [],
    keyFrames = ['-g', '50', '-sc_threshold', '0'],
  } = push;
  return new Running('ffmpeg', [
    ...['-hide_banner', '-loglevel', 'warning', '-nostdin', '-re', ...picture(size), '-re', ...sound],
    ...[...coding, ...keyFrames, '-f', 'hls', '-hls_time', '2', '-hls_list_size', '5', '-method', 'PUT'],
    ...[...flags, `${edgeUrl}/v1/ingest/${source}/index.m3u8`],
  ]);
}

/** Stock ffmpeg that writes `index.m3u8` and what it names into a folder, for a web server to give out. */
export function writeWithFfmpeg(of: Pick<FfmpegPush, 'folder' | 'flags' | 'fileName'>): Running {
  const { folder, flags = [], fileName = 'cam-%03d.ts' } = of;
  return new Running('ffmpeg', [
    ...['-hide_banner', '-loglevel', 'warning', '-nostdin', '-re', ...picture('160x90'), '-re', ...sound],
    ...[...coding, '-g', '50', '-sc_threshold', '0', '-f', 'hls', '-hls_time', '2', '-hls_list_size', '5'],
    ...[...flags, '-hls_segment_filename', `${folder}/${fileName}`, `${folder}/index.m3u8`],
  ]);
}

/** ffmpeg as a player: decodes so many seconds and tells what it complained about. */
export async function playWithFfmpeg(
  url: string,
  seconds: number,
): Promise<{ code: number | null; complaints: string }> {
  const player = new Running('ffmpeg', [
    '-v',
    'error',
    '-nostdin',
    '-i',
    url,
    '-t',
    String(seconds),
    '-f',
    'null',
    '-',
  ]);
  const code = await player.ended();
  return { code, complaints: player.stderr };
}

/** The segments that ffmpeg wrote into a folder, in order of their names. The newest may not be whole yet. */
export async function segmentFiles(folder: string): Promise<readonly Buffer[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts')).sort();
  return Promise.all(names.map((name) => readFile(join(folder, name))));
}

/** How many seconds ffprobe says something lasts. */
export async function probeDuration(url: string): Promise<number> {
  const probe = new Running('ffprobe', [
    '-v',
    'error',
    '-show_entries',
    'format=duration',
    '-of',
    'json',
    url,
  ]);
  await probe.ended();
  return Number((JSON.parse(probe.stdout) as { format: { duration: string } }).format.duration);
}

/** ffprobe's view of the streams: `[{ codec_type, codec_name, … }]`. */
export async function probeStreams(url: string): Promise<readonly Record<string, unknown>[]> {
  const probe = new Running('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', url]);
  await probe.ended();
  const { streams } = JSON.parse(probe.stdout) as { streams?: Record<string, unknown>[] };
  if (streams === undefined) throw new Error(`ffprobe of ${url}: ${probe.stderr}`);
  return streams;
}
