import type { CommandInput, ConfiguredSource } from '../edge/input/configured-source.ts';

/** Why an entry of the configuration is no source. Neither text holds what was written: it may be a password. */
export class SourceMistake extends Error {
  constructor(
    readonly what: string,
    readonly mend: string,
    /** Where below the entry it is. */
    readonly path: readonly (string | number)[] = [],
  ) {
    super(`${what}. ${mend}`);
  }
}

/** Arguments of one command, and characters of one argument or URL. */
const MAX_ARGUMENTS = 256;
const MAX_CHARACTERS = 4_096;

/** What ffmpeg is told ahead of a URL of each kind. Media over UDP arrives with holes where TCP is to be had. */
const inputOptions: Readonly<Record<string, readonly string[]>> = {
  'rtsp:': ['-rtsp_transport', 'tcp'],
  'rtsps:': ['-rtsp_transport', 'tcp'],
  'rtmp:': [],
  'rtmps:': [],
  'srt:': [],
  'udp:': [],
};

const KINDS =
  'Write http(s)://….m3u8, rtsp://…, rtmp://…, srt://…, udp://…, /dev/video0, or ffmpeg: ["-i", …] for anything else.';

/** The way in that an entry means; `at`: where its `input` stands below it. Throws `SourceMistake`. */
export function inputOf(
  {
    input,
    ffmpeg,
    output,
  }: { readonly input?: unknown; readonly ffmpeg?: unknown; readonly output?: unknown },
  at: readonly string[],
): ConfiguredSource['input'] {
  if (ffmpeg !== undefined) {
    if (input !== undefined) {
      throw new SourceMistake('both input and ffmpeg stand here', 'Leave one of them out.', ['ffmpeg']);
    }
    const words = argumentsOf(ffmpeg, 'ffmpeg');
    if (!words.includes('-i')) {
      throw new SourceMistake('ffmpeg is told no input', 'Write "-i" and the input behind it.', ['ffmpeg']);
    }
    return command(words, output);
  }
  if (input === undefined || input === null) throw new SourceMistake('no input stands here', KINDS);
  const url = typeof input === 'string' ? input.trim() : '';
  const bad = (what: string, mend: string) => new SourceMistake(what, mend, at);
  if (url === '' || url.length > MAX_CHARACTERS || CONTROL.test(url)) throw bad('the input is no URL', KINDS);
  if (/^\/dev\/video\w+$/.test(url)) return command(['-f', 'v4l2', '-i', url], output);
  if (!URL.canParse(url)) throw bad('the input is no URL', KINDS);
  const { protocol, pathname, hostname } = new URL(url);
  const options = Object.hasOwn(inputOptions, protocol) ? inputOptions[protocol] : undefined;
  if (options !== undefined) return command([...options, '-i', url], output);
  if (protocol !== 'http:' && protocol !== 'https:') throw bad('this kind of input is not known', KINDS);
  if (hostname === '' || !/\.m3u8?$/i.test(pathname)) {
    const mend = 'Write the URL of an HLS playlist, http(s)://….m3u8, or ffmpeg: ["-i", URL].';
    throw bad('the path of the URL does not end in .m3u8', mend);
  }
  if (output !== undefined) {
    throw new SourceMistake(
      'a playlist is taken as it is, without ffmpeg',
      'Leave output out, or write ffmpeg: ["-i", URL] in place of input.',
      ['output'],
    );
  }
  return { kind: 'pull', url };
}

const command = (input: readonly string[], output: unknown): CommandInput => ({
  kind: 'command',
  input,
  output: output === undefined || output === null ? ['-c', 'copy'] : argumentsOf(output, 'output'),
});

const CONTROL = /[\u0000-\u001f\u007f]/;

/** The words of a command. A string is refused: no shell is there that would take it apart. */
function argumentsOf(written: unknown, key: string): readonly string[] {
  if (!Array.isArray(written) || written.length === 0) {
    const mend = `Write ${key}: ["-f", "lavfi", …], each argument by itself: no shell reads it.`;
    throw new SourceMistake(`${key} is no list of arguments`, mend, [key]);
  }
  if (written.length > MAX_ARGUMENTS) {
    throw new SourceMistake(`${key} is too long`, `Write at most ${MAX_ARGUMENTS} arguments.`, [key]);
  }
  return written.map((word: unknown, index) => {
    if (typeof word !== 'string' || word.length > MAX_CHARACTERS || CONTROL.test(word)) {
      const mend = `Put it in quotes, in at most ${MAX_CHARACTERS} characters.`;
      throw new SourceMistake(`an argument of ${key} is no text`, mend, [key, index]);
    }
    return word;
  });
}
