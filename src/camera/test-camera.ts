import { mkdirSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { millis, seconds } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import { cameraPlaylist } from './camera-playlist.ts';
import { type LoopedClip, loopClip } from './looped-clip.ts';
import { postPlaylist } from './post-playlist.ts';

export type TestCameraOptions = {
  /** A transport stream as `scripts/make-test-camera.sh` makes it. */
  readonly clip: Buffer;
  /** Where the segments are written; made when it is not there. */
  readonly folder: string;
  /** The name of the source at the edge. */
  readonly source: string;
  /** `http://…/v1/playlist` of the edge. */
  readonly playlistUrl: string;
  readonly clock: Clock;
  /** How many segments the playlist names; 5, as with ffmpeg. */
  readonly listSize?: number;
  /** Sent with each playlist besides its own headers, such as `Authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Added to the clip's times, at 90 kHz. */
  readonly startTicks?: number;
  /** Stops the camera as `stop()` does. */
  readonly signal?: AbortSignal;
};

export type TestCamera = {
  /** Ends the camera as a pulled plug does, without a last playlist; resolves when its last file is written. */
  stop(): Promise<void>;
};

/** Segments that are there at once, so that a viewer need not wait for the first six seconds. */
const HEAD_START = 3;
/** How many files that the list no longer names stay, for an edge that is late. */
const KEPT_BEHIND_LIST = 5;

/**
 * A camera for demos and tests: it plays a clip for ever in real time and gives it to an edge exactly as
 * `ffmpeg -f hls -method POST` does, segments in a folder and then a playlist by POST. Like ffmpeg it looks at no
 * answer: what went wrong is the edge's to see. Throws when the clip is none or the folder cannot be made.
 */
export function startTestCamera(options: TestCameraOptions): TestCamera {
  const looped = loopClip(options.clip, options.startTicks);
  mkdirSync(options.folder, { recursive: true });
  const ending = new AbortController();
  const signals = options.signal === undefined ? [ending.signal] : [ending.signal, options.signal];
  const playing = play(looped, options, AbortSignal.any(signals));
  return {
    async stop() {
      ending.abort();
      await playing;
    },
  };
}

async function play(looped: LoopedClip, options: TestCameraOptions, signal: AbortSignal): Promise<void> {
  const { clock, folder, listSize = 5 } = options;
  const beganAt = clock.monotonic();
  for (let index = 0; !signal.aborted; index++) {
    // Each moment is counted from the beginning, so that late timers do not add up.
    const wait = beganAt + closesAfterMs(looped, index) - clock.monotonic();
    if (wait > 0) await clock.sleep(millis(wait), signal);
    if (signal.aborted) return;
    await writeSegment(folder, index, looped.segment(index));
    await removeSegment(folder, index - listSize - KEPT_BEHIND_LIST);
    if (index < HEAD_START - 1 || signal.aborted) continue;
    postPlaylist(options.playlistUrl, headersOf(options), playlistUpTo(looped, index, listSize), signal);
  }
}

/** When a segment is complete, after the camera began: the head start lies before that. */
const closesAfterMs = (looped: LoopedClip, index: number): number =>
  1000 * (looped.startOf(index + 1) - looped.startOf(HEAD_START));

const segmentName = (index: number): string => `cam-${String(index).padStart(6, '0')}.ts`;

/**
 * Written beside its name and then given it, so that nobody reads half of it, or of the segment an earlier camera left
 * under the same name. One that cannot be written is listed all the same: the edge says that it is missing.
 */
async function writeSegment(folder: string, index: number, bytes: Buffer): Promise<void> {
  const path = join(folder, segmentName(index));
  const unfinished = `${path}.tmp`;
  try {
    await writeFile(unfinished, bytes);
    await rename(unfinished, path);
  } catch {
    await remove(unfinished);
  }
}

async function removeSegment(folder: string, index: number): Promise<void> {
  if (index >= 0) await remove(join(folder, segmentName(index)));
}

/** A file that cannot be removed stays: it disturbs nobody. */
const remove = (path: string): Promise<void> => rm(path, { force: true }).catch(() => undefined);

function playlistUpTo(looped: LoopedClip, newest: number, listSize: number): string {
  const first = Math.max(0, newest + 1 - listSize);
  const segments = Array.from({ length: newest + 1 - first }, (_, place) => {
    const index = first + place;
    return {
      name: segmentName(index),
      duration: seconds(looped.startOf(index + 1) - looped.startOf(index)),
    };
  });
  return cameraPlaylist(first, segments);
}

const headersOf = ({ source, folder, headers }: TestCameraOptions): Record<string, string> => ({
  'User-Agent': 'LiveMix test camera',
  ...headers,
  'Video-Source-Name': source,
  'MPEG-TS-URI-Prefix': pathToFileURL(folder).href,
});
