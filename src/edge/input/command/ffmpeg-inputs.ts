import { holdsSecret, secretsIn } from './redact.ts';

/** An input of ffmpeg's: its options, and the word behind `-i`. */
type FfmpegInput = { readonly options: readonly string[]; readonly url: string };

/** A camera or a line that says nothing for this long is dead. */
const DEAD_AFTER_US = '10000000';

/**
 * What is said ahead of a URL where the operator says nothing of it. A dead camera must end ffmpeg: it is then begun
 * anew. Without `-timeout` ffmpeg waits for ever, and TCP for hours. Media over UDP arrives with holes.
 */
const defaults: Readonly<Record<string, readonly (readonly [name: string, value: string])[]>> = {
  rtsp: [
    ['-rtsp_transport', 'tcp'],
    ['-timeout', DEAD_AFTER_US],
  ],
  rtmp: [['-rw_timeout', DEAD_AFTER_US]],
  srt: [['-timeout', DEAD_AFTER_US]],
  udp: [['-timeout', DEAD_AFTER_US]],
  http: [['-rw_timeout', DEAD_AFTER_US]],
};
const families: Readonly<Record<string, string>> = {
  rtsps: 'rtsp',
  ...{ rtmps: 'rtmp', rtmpt: 'rtmp', rtmpts: 'rtmp', rtmpe: 'rtmp', rtmpte: 'rtmp' },
  https: 'http',
};

/** The arguments ahead of the output, and the file that the child opens as /dev/fd/`fd`, where one of them is secret. */
export type Inputs = {
  readonly words: readonly string[];
  readonly file?: string;
  /** The arguments as they would be without that file. */
  readonly plain: readonly string[];
  readonly secrets: readonly string[];
  /** It waits for an encoder that calls: silence is no fault of it. */
  readonly listens: boolean;
};

/**
 * The inputs as ffmpeg is given them. Every user of a machine can read the arguments of its processes, so a URL with a
 * password goes into a file of ffmpeg's `concat` demuxer, which names one input and its options.
 *
 * @param major ffmpeg's version: before 5 RTSP had another name for its timeout, and concat no options
 */
export function inputsOf(words: readonly string[], major: number, fd: number): Inputs {
  const { inputs, rest } = split(words);
  const given = inputs.map((input) => withDefaults(input, major));
  const only = given.length === 1 && rest.length === 0 && major >= 5 ? given[0]! : undefined;
  const file = only && concatFile(only);
  const plain = [...given.flatMap(({ options, url }) => [...options, '-i', url]), ...rest];
  return {
    plain,
    words:
      file === undefined
        ? plain
        : ['-f', 'concat', '-safe', '0', '-protocol_whitelist', CONCAT_PROTOCOLS, '-i', `/dev/fd/${fd}`],
    ...(file !== undefined && { file }),
    secrets: given.flatMap(secretsOf),
    listens: given.some(isListening),
  };
}

/** Cuts behind each `-i URL`. */
function split(words: readonly string[]): { inputs: readonly FfmpegInput[]; rest: readonly string[] } {
  const inputs: FfmpegInput[] = [];
  let options: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at]!;
    if (word === '-i' && at + 1 < words.length) {
      inputs.push({ options, url: words[at + 1]! });
      options = [];
      at += 1;
    } else options.push(word);
  }
  return { inputs, rest: options };
}

function withDefaults({ options, url }: FfmpegInput, major: number): FfmpegInput {
  const family = familyOf(url);
  const added = (defaults[family] ?? [])
    .map(([name, value]) => [
      family === 'rtsp' && name === '-timeout' && major < 5 ? '-stimeout' : name,
      value,
    ])
    .filter(([name]) => !options.includes(name!) && !(name === '-rw_timeout' && options.includes('-listen')))
    // SRT and UDP take the same in their query.
    .filter(([name]) => !new RegExp(`[?&]${name!.slice(1)}=`).test(url));
  return { options: [...options, ...(added.flat() as string[])], url };
}

const familyOf = (url: string): string => {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? '';
  return families[scheme] ?? scheme;
};

function isListening({ options, url }: FfmpegInput): boolean {
  const family = familyOf(url);
  if (family === 'udp' || family === 'rtp') return true;
  if (family === 'srt' && /[?&]mode=(listener|rendezvous)(&|$)/.test(url)) return true;
  const at = options.findIndex((word) => word === '-listen' || word === '-mode' || word === '-rtsp_flags');
  return at >= 0 && /^(1|2|listen|listener|rendezvous)$/.test(options[at + 1] ?? '');
}

/** Options that the demuxer itself takes, and so stand in a concat file as well as ahead of `-i`. */
const MOVABLE: ReadonlySet<string> = new Set([
  ...[
    'rtsp_transport',
    'rtsp_flags',
    'allowed_media_types',
    'reorder_queue_size',
    'buffer_size',
    'max_delay',
  ],
  ...['timeout', 'rw_timeout', 'listen_timeout', 'listen', 'user_agent', 'tls_verify', 'fflags', 'probesize'],
  ...[
    'analyzeduration',
    'rtmp_live',
    'rtmp_app',
    'rtmp_playpath',
    'passphrase',
    'pbkeylen',
    'streamid',
    'mode',
  ],
  ...['latency', 'rcvlatency', 'fifo_size', 'overrun_nonfatal'],
]);
const SECRET_OPTIONS: ReadonlySet<string> = new Set(['-passphrase', '-streamid', '-headers', '-cookies']);
const CONCAT_PROTOCOLS =
  'file,tcp,udp,rtp,srtp,tls,http,https,httpproxy,rtsp,rtsps,rtmp,rtmps,rtmpt,rtmpts,rtmpe,rtmpte,ffrtmphttp,ffrtmpcrypt,srt';

/** The input as a concat file; undefined where it holds no secret, or has an option that cannot stand there. */
function concatFile(input: FfmpegInput): string | undefined {
  const { options, url } = input;
  if (secretsOf(input).length === 0 && !holdsSecret(url)) return undefined;
  if (defaults[familyOf(url)] === undefined || familyOf(url) === 'http') return undefined;
  const lines = ['ffconcat version 1.0', `file ${quoted(url)}`];
  for (let at = 0; at < options.length; at += 2) {
    const [name, value] = [options[at]!, options[at + 1]];
    if (value === undefined || !name.startsWith('-') || !MOVABLE.has(name.slice(1))) return undefined;
    lines.push(`option ${name.slice(1)} ${quoted(value)}`);
  }
  return [...lines, ''].join('\n');
}

function secretsOf({ options, url }: FfmpegInput): readonly string[] {
  const given = options.flatMap((word, at) => (SECRET_OPTIONS.has(word) ? (options[at + 1] ?? []) : []));
  return [...secretsIn(url), ...given.filter((secret) => secret.length > 0)];
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
