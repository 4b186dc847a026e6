import type { CommandInput } from '../configured-source.ts';
import { inputsOf } from './ffmpeg-inputs.ts';
import { redact } from './redact.ts';

/** Where ffmpeg pushes to. */
export type PushTo = {
  readonly source: string;
  /** Of this edge, as it says it listens. */
  readonly edgeUrl: string;
  readonly ingestToken: string | undefined;
  /** Tells the segments of one life of ffmpeg from those of every other. Letters and digits. */
  readonly life: string;
};

/** ffmpeg's arguments, and what they need. */
export type FfmpegArguments = {
  readonly words: readonly string[];
  /** The texts of files that the child finds open as /dev/fd/3, /dev/fd/4… */
  readonly files: readonly string[];
  /** What must not be shown, wherever ffmpeg prints it. */
  readonly secrets: readonly string[];
  /** The arguments as a person may see them. */
  readonly shown: string;
  /** Whether it waits for an encoder that calls. */
  readonly listens: boolean;
};

/** The first descriptor behind stdin, stdout and stderr. */
const FIRST_FILE = 3;

/**
 * What ffmpeg is started with, without a shell, to push an input to this edge.
 *
 * It does not get `-ignore_io_errors` nor `-http_persistent`: a PUT that is refused then ends it, so that it does not
 * outlive an edge that was killed. The edge’s own life is no reason to be lenient: both run on one machine.
 * What the operator says of the output stands behind `-hls_time` and `-hls_list_size`, and so rules.
 *
 * @param major ffmpeg's version
 * @param extra what is said of the output beyond the configuration
 */
export function ffmpegArguments(
  { input, output }: Pick<CommandInput, 'input' | 'output'>,
  push: PushTo,
  major: number,
  extra: readonly string[] = [],
): FfmpegArguments {
  const files: string[] = [];
  const inputs = inputsOf(input, major, FIRST_FILE);
  if (inputs.file !== undefined) files.push(inputs.file);
  const token = push.ingestToken;
  const preset = token === undefined ? [] : ['-fpre', `/dev/fd/${FIRST_FILE + files.length}`];
  if (token !== undefined) files.push(`headers=Authorization: Bearer ${token}\n`);
  const to = `${reachable(push.edgeUrl)}/v1/ingest/${push.source}`;
  const isFragmented = output.includes('fmp4');
  const segment = `r${push.life}-%06d.${isFragmented ? 'm4s' : 'ts'}`;
  const ahead = ['-nostdin', '-nostats', '-hide_banner', '-loglevel', 'level+warning'];
  const behind = [
    ...['-hls_time', '2', '-hls_list_size', '5'],
    ...(output.length === 0 ? ['-c', 'copy'] : output),
    ...extra,
    ...preset,
    ...(isFragmented ? ['-hls_fmp4_init_filename', `r${push.life}-init.mp4`] : []),
    ...['-f', 'hls', '-method', 'PUT', '-hls_segment_filename', `${to}/${segment}`, `${to}/index.m3u8`],
  ];
  const secrets = token === undefined ? inputs.secrets : [...inputs.secrets, token];
  return {
    words: [...ahead, ...inputs.words, ...behind],
    files,
    secrets,
    shown: redact(['ffmpeg', ...ahead, ...inputs.plain, ...behind].join(' '), secrets),
    listens: inputs.listens,
  };
}

/** What listens everywhere is reached on loopback. */
export const reachable = (edgeUrl: string): string =>
  edgeUrl.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:').replace(/\/$/, '');
