import type { Trouble } from '../../../media/error.ts';
import type { Exit } from './ffmpeg-process.ts';

/** Troubles of sources that ffmpeg brings in. */
export const commandTroubles = {
  ffmpeg_missing: {
    detail: 'ffmpeg is needed for this source and cannot be started.',
    hint: 'Install ffmpeg 5 or newer, or name it in LIVEMIX_FFMPEG. It is looked for again by itself.',
  },
  input_failed: {
    detail: 'ffmpeg ended. It is started again.',
    hint: 'Check the camera, and what is configured.',
  },
  input_stalled: {
    detail: 'Nothing came from the camera for too long. ffmpeg is started again.',
    hint: 'Check the camera and the line. A segment ends at a key frame: let the camera make one every two seconds.',
  },
  sound_unplayable: {
    detail: 'The sound is of a kind that HLS cannot carry.',
    hint: 'Set the camera’s sound to AAC, or configure output: ["-c:v", "copy", "-c:a", "aac"]; with ["-c:v", "copy", "-an"] this is not said again.',
  },
} satisfies Record<string, Omit<Trouble, 'code'>>;

/** A trouble is reported in a message of bounded size. */
const MAX_TEXT = 300;

export const ffmpegMissing = (command: string, why: string): Trouble =>
  trouble('ffmpeg_missing', `ffmpeg (${command}) is needed for this source and cannot be started. ${why}`);

/** ffmpeg ended by itself. `said`: its last lines. */
export function inputFailed({ code, signal }: Exit, said: readonly string[]): Trouble {
  if (code === 0) return trouble('input_failed', `The input has ended. ${quote(said)}`, hintOf(said));
  const how = code === null ? `was ended by ${signal}` : `ended with ${code}`;
  return trouble('input_failed', `ffmpeg ${how}. ${quote(said)}`, hintOf(said));
}

/** The system would not start it. */
export const startFailed = (reason: string): Trouble =>
  trouble(
    'input_failed',
    `ffmpeg could not be started: ${reason}`,
    'Check the limits of the edge’s process.',
  );

export const inputStalled = (silentMs: number, said: readonly string[]): Trouble =>
  trouble(
    'input_stalled',
    `No segment came for ${Math.round(silentMs / 1000)} s; ffmpeg is started again. ${quote(said)}`,
  );

export const soundUnplayable = (codec: string, isLeftOut: boolean): Trouble =>
  trouble(
    'sound_unplayable',
    isLeftOut
      ? `The sound is ${codec}, which HLS cannot carry. It is left out; the picture goes on.`
      : `The sound is ${codec}, which HLS cannot carry: players will not play it.`,
  );

export const pictureUnplayable = (codec: string): Trouble =>
  trouble(
    'input_failed',
    `The picture is ${codec}, which HLS cannot carry.`,
    'Set the camera to H.264, or let ffmpeg encode: output: ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "50", "-c:a", "aac"].',
  );

/** What ffmpeg says is in no player's range, its codec; undefined where the line says something else. */
export const unplayableCodec = (line: string): string | undefined =>
  /Stream \d+, codec (\w+), is muxed as a private data stream/.exec(line)?.[1];

/** Pictures among the codecs that a transport stream cannot carry. */
export const isPicture = (codec: string): boolean =>
  /^(rawvideo|wrapped_avframe|mjpeg|vp[89]|av1|theora|h263\w*|flv1|png|bmp|prores|dvvideo|ffv1|huffyuv|msmpeg4\w*|wmv\d)$/.test(
    codec,
  );

function trouble(code: keyof typeof commandTroubles, detail: string, hint?: string): Trouble {
  return {
    code,
    detail: detail.trim().slice(0, MAX_TEXT),
    hint: (hint ?? commandTroubles[code].hint).slice(0, MAX_TEXT),
  };
}

/** The newest lines that fit. */
function quote(said: readonly string[]): string {
  if (said.length === 0) return 'It said nothing.';
  let shown = said.at(-1)!;
  for (const line of said.slice(0, -1).reverse()) {
    if (shown.length + line.length > MAX_TEXT - 80) break;
    shown = `${line} · ${shown}`;
  }
  return `It said: ${shown}`;
}

/** What ffmpeg says, and what it means for who configured it. The first that fits. */
const hints: readonly (readonly [said: RegExp, hint: string])[] = [
  [
    /401 Unauthorized|authorization failed|403 Forbidden|Incorrect passphrase|BADSECRET/i,
    'Check the user name and the password, or the passphrase, in the URL.',
  ],
  [
    /404 Not Found|454 Session|Stream not found/i,
    'The camera has no stream under this path: check the end of the URL in its manual.',
  ],
  [
    /Connection refused/i,
    'Nothing listens there: check address and port, and that the camera’s RTSP, RTMP or SRT server is on.',
  ],
  [
    /No route to host|Network is unreachable|Connection timed out|Operation timed out|Host is unreachable/i,
    'The camera does not answer: check that it is on, its address, and the network between.',
  ],
  [
    /udp:\/\/\S*: Input\/output error/i,
    'Nothing arrives there: check that the sender sends to this address and port, and that no firewall is between.',
  ],
  [
    /srt:\/\/\S*:? (failed: )?Input\/output error/i,
    'Nothing answers there: check address, port and passphrase, and who of the two is mode=listener.',
  ],
  [
    /Failed to resolve hostname|Name or service not known/i,
    'The host name in the URL is not known: check it, or write the address.',
  ],
  [
    /Protocol not found|Unknown input format/i,
    'This ffmpeg was built without that protocol or format: `ffmpeg -protocols` and `ffmpeg -formats` show what it has.',
  ],
  [
    /Unrecognized option|Option \S+ not found|Error (parsing|splitting) (options|the argument list)|Invalid argument.*option/i,
    'Check the options that are configured for this source: ffmpeg does not know one of them.',
  ],
  [
    /aac_adtstoasc/,
    'fMP4 wants AAC without the heads it has in MPEG-TS: add "-bsf:a", "aac_adtstoasc" to output.',
  ],
  [
    /Could not find tag for codec|codec not currently supported in container/i,
    'HLS cannot carry a codec of the camera: set it to H.264 and AAC, or configure output: ["-c:v", "copy", "-c:a", "aac"].',
  ],
  [/Permission denied/i, 'The edge’s user may not read it. For /dev/video0: usermod -aG video USER.'],
  [/Device or resource busy/i, 'Another program has the device open.'],
  [/No such file or directory|No such device/i, 'It is not there: check the path, or plug the device in.'],
  [
    /does not contain any stream|Invalid data found/i,
    'What comes there is no media that ffmpeg knows: check the URL.',
  ],
];

const hintOf = (said: readonly string[]): string | undefined =>
  hints.find(([pattern]) => said.some((line) => pattern.test(line)))?.[1];
