import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Running } from './process.ts';

/** It runs where what it drops lies in nobody's way: it writes the key of -hls_enc into the folder it is in. */
const ffmpeg = (args: readonly string[]): Running => new Running('ffmpeg', args, {}, tmpdir());

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
  return ffmpeg([
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
  return ffmpeg([
    ...['-hide_banner', '-loglevel', 'warning', '-nostdin', '-re', ...picture(size), '-re', ...sound],
    ...[...coding, ...keyFrames, '-f', 'hls', '-hls_time', '2', '-hls_list_size', '5', '-method', 'PUT'],
    ...[...flags, `${edgeUrl}/v1/ingest/${source}/index.m3u8`],
  ]);
}

/**
 * Stock ffmpeg with two variants, `high` and `low`, sound of their own, and subtitles where there is a WebVTT file of them:
 * all of it pushed, or segments into a folder and playlists posted.
 */
export function pushLadderWithFfmpeg(push: {
  readonly edgeUrl: string;
  readonly source: string;
  readonly folder?: string;
  readonly subtitles?: string;
  readonly flags?: readonly string[];
}): Running {
  const { edgeUrl, source, folder, subtitles, flags = [] } = push;
  const low = `v:1,agroup:sound,name:low${subtitles === undefined ? '' : ',s:0,sgroup:subtitles'}`;
  const streams = `v:0,agroup:sound,name:high ${low} a:0,agroup:sound,default:yes,name:sound`;
  const headers = `Video-Source-Name: ${source}\r\nMPEG-TS-URI-Prefix: file://${folder}\r\n`;
  const to =
    folder === undefined
      ? ['-method', 'PUT', `${edgeUrl}/v1/ingest/${source}/%v/index.m3u8`]
      : [
          ...['-hls_segment_filename', `${folder}/%v-%03d.ts`, '-headers', headers],
          ...['-method', 'POST', `${edgeUrl}/v1/playlist/%v.m3u8`],
        ];
  return ffmpeg([
    ...['-hide_banner', '-loglevel', 'warning', '-nostdin', '-re', ...picture('320x180'), '-re', ...sound],
    ...(subtitles === undefined ? [] : ['-re', '-i', subtitles]),
    ...['-filter_complex', '[0:v]split=2[high][b];[b]scale=160:90[low]', '-map', '[high]', '-map', '[low]'],
    ...['-map', '1:a', ...(subtitles === undefined ? [] : ['-map', '2:s', '-c:s', 'webvtt'])],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '50', '-sc_threshold', '0'],
    ...['-b:v:0', '300k', '-b:v:1', '100k', '-c:a', 'aac', '-b:a', '64k'],
    ...['-f', 'hls', '-hls_time', '2', '-hls_list_size', '5', ...flags, '-master_pl_name', 'master.m3u8'],
    ...['-var_stream_map', streams, ...to],
  ]);
}

/** Stock ffmpeg that writes `index.m3u8` and what it names into a folder, for a web server to give out. */
export function writeWithFfmpeg(of: Pick<FfmpegPush, 'folder' | 'flags' | 'fileName'>): Running {
  const { folder, flags = [], fileName = 'cam-%03d.ts' } = of;
  return ffmpeg([
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
  const player = ffmpeg(['-v', 'error', '-nostdin', '-i', url, '-t', String(seconds), '-f', 'null', '-']);
  const code = await player.ended();
  return { code, complaints: player.stderr };
}

/** The segments that ffmpeg wrote into a folder, in order of their names. The newest may not be whole yet. */
export async function segmentFiles(folder: string): Promise<readonly Buffer[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts')).sort();
  return Promise.all(names.map((name) => readFile(join(folder, name))));
}

/** How many seconds ffprobe says something lasts. */
export const probeDuration = async (url: string): Promise<number> => (await probeSpan(url)).duration;

/** When something begins and how long it lasts, in seconds, as ffprobe says. */
export async function probeSpan(url: string): Promise<{ readonly start: number; readonly duration: number }> {
  const entries = ['-show_entries', 'format=start_time,duration', '-of', 'json'];
  const probe = new Running('ffprobe', ['-v', 'error', ...entries, url]);
  await probe.ended();
  const { format } = JSON.parse(probe.stdout) as { format: { start_time: string; duration: string } };
  return { start: Number(format.start_time), duration: Number(format.duration) };
}

/** ffprobe's view of the streams: `[{ codec_type, codec_name, … }]`. */
export async function probeStreams(url: string): Promise<readonly Record<string, unknown>[]> {
  const probe = new Running('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', url]);
  await probe.ended();
  const { streams } = JSON.parse(probe.stdout) as { streams?: Record<string, unknown>[] };
  if (streams === undefined) throw new Error(`ffprobe of ${url}: ${probe.stderr}`);
  return streams;
}
