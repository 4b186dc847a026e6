import type { Trouble } from '../../../media/error.ts';
import { type Millis, millis } from '../../../media/units.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { fullJitter, type Random } from '../../../runtime/retry.ts';
import type { CommandInput, Input } from '../configured-source.ts';
import {
  inputFailed,
  inputStalled,
  isPicture,
  pictureUnplayable,
  soundUnplayable,
  startFailed,
  unplayableCodec,
} from './command-trouble.ts';
import { type FfmpegArguments, ffmpegArguments, type PushTo } from './ffmpeg-arguments.ts';
import { FfmpegProcess } from './ffmpeg-process.ts';
import type { Ffmpeg } from './ffmpeg-program.ts';
import { LastLines } from './last-lines.ts';
import { redact } from './redact.ts';

/** What the edge knows of the source that ffmpeg feeds. */
export type Fed = { readonly ingestedBytes: number; readonly targetDuration: number };

export type Supervision = {
  readonly clock: Clock;
  readonly random: Random;
  /** Rejects with `FfmpegMissing`. */
  readonly findFfmpeg: () => Promise<Ffmpeg>;
  readonly pushTo: Omit<PushTo, 'life'>;
  /** Undefined until the edge knows the source. */
  readonly fed: () => Fed | undefined;
  /** ffmpeg was started; its arguments, as a person may see them. */
  readonly started: (shown: string) => void;
  /** What is wrong until the next segment. */
  readonly inTrouble: (trouble: Trouble) => void;
  /** What is wrong as long as it goes on this way, segments or not. */
  readonly inLastingTrouble: (trouble: Trouble | undefined) => void;
  /** What `findFfmpeg` rejected with. Throws what is our own mistake. */
  readonly notFound: (error: unknown) => Trouble;
  /** Something failed that should not. */
  readonly onFailure: (error: unknown) => void;
};

const PAUSE_FIRST = millis(1_000);
const PAUSE_BASE = millis(2_000);
const PAUSE_CEILING = millis(30_000);
/** Who waits to be called must be there when somebody calls. */
const PAUSE_CEILING_LISTENING = millis(2_000);
/** Who ran so long, and fed the source, begins with short pauses again. */
const RAN_WELL_AFTER_MS = 30_000;
/** Until the first segment: a camera is asked, analysed, and makes a key frame. */
const STARTS_WITHIN_MS = 30_000;
/** After that a segment must come within so long, or three target durations if that is longer. */
const STALLS_AFTER_MS = 10_000;
const LOOK_EVERY = millis(1_000);
/** ffmpeg does not wait for what it sends last to be taken in. */
const TAKEN_IN_WITHIN = millis(500);
/** Lines that are shown with a trouble. */
const SHOWN_LINES = 3;

/** How a life of ffmpeg ended, and what is to be told of it. */
type Ended = {
  readonly trouble: Trouble | undefined;
  readonly ranWell: boolean;
  readonly listens: boolean;
};

/** ffmpeg, started again and again until it is told to stop. Of all its reasons to end it tells, as the source's trouble. */
export class SupervisedFfmpeg implements Input {
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  /** The sound cannot be carried: the next life is begun without it. The one after that looks again. */
  #leavesSoundOut = false;
  /** There is something that was told as lasting. */
  #isToldLasting = false;
  #lives = 0;

  constructor(
    private readonly input: CommandInput,
    private readonly tools: Supervision,
  ) {
    this.#done = this.#run().catch(tools.onFailure);
  }

  /** What ffmpeg sends at its end, the last segment and ENDLIST, has been taken in when it resolves. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { clock, inTrouble } = this.tools;
    const { signal } = this.#stopping;
    let pauses: Generator<Millis> | undefined;
    while (!signal.aborted) {
      const { trouble, ranWell, listens } = await this.#live();
      if (signal.aborted) break;
      if (trouble === undefined) continue;
      inTrouble(trouble);
      if (ranWell || pauses === undefined) pauses = this.#pauses(listens);
      await clock.sleep(pauses.next().value as Millis, signal);
    }
    this.#tellLasting(undefined);
  }

  #pauses(listens: boolean): Generator<Millis> {
    const ceiling = listens ? PAUSE_CEILING_LISTENING : PAUSE_CEILING;
    return fullJitter({ first: PAUSE_FIRST, base: PAUSE_BASE, ceiling, random: this.tools.random });
  }

  /** One life of ffmpeg. */
  async #live(): Promise<Ended> {
    let ffmpeg: Ffmpeg;
    try {
      ffmpeg = await this.tools.findFfmpeg();
    } catch (error) {
      return { trouble: this.tools.notFound(error), ranWell: false, listens: false };
    }
    if (this.#stopping.signal.aborted) return { trouble: undefined, ranWell: false, listens: false };
    const { clock, pushTo } = this.tools;
    this.#lives += 1;
    const life = `${clock.now().toString(36)}x${this.#lives}`;
    const hasSound = !this.#leavesSoundOut;
    this.#leavesSoundOut = false;
    const told = ffmpegArguments(this.input, { ...pushTo, life }, ffmpeg.major, hasSound ? [] : ['-an']);
    try {
      return await this.#watch(ffmpeg, told, hasSound);
    } catch (error) {
      // The system refused: no memory, no process, no descriptor is left. It may have some later.
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      return { trouble: startFailed(code), ranWell: false, listens: told.listens };
    }
  }

  /** Ends when ffmpeg has ended, by itself or because it feeds nothing. */
  async #watch(ffmpeg: Ffmpeg, told: FfmpegArguments, hasSound: boolean): Promise<Ended> {
    const { clock, fed } = this.tools;
    const { listens, secrets } = told;
    /** Why it was made to end. */
    let ended: Trouble | 'without sound' | undefined;
    /** What it has made nobody can play: it must not send it. */
    const killFor = (why: Trouble | 'without sound') => {
      ended ??= why;
      child.kill();
    };
    let lasting: Trouble | undefined;
    const lines = new LastLines(
      (line) => redact(line, secrets),
      (line) => {
        const codec = unplayableCodec(line);
        if (codec === undefined) return;
        if (isPicture(codec) || !hasSound) killFor(pictureUnplayable(codec));
        else {
          lasting = soundUnplayable(codec, this.#isPlain);
          this.#tellLasting(lasting);
          if (this.#isPlain) killFor('without sound');
        }
      },
    );
    const startedAt = clock.monotonic();
    const child = FfmpegProcess.start(ffmpeg, told, lines, clock);
    this.tools.started(told.shown);
    const stop = () => void child.end();
    this.#stopping.signal.addEventListener('abort', stop, { once: true });
    let taken = fed()?.ingestedBytes ?? 0;
    let takenAt: Millis | undefined;
    const watching = clock.every(LOOK_EVERY, () => {
      const now = fed();
      if (now !== undefined && now.ingestedBytes !== taken) {
        // Its sound is carried after all: the camera was set to another codec.
        if (takenAt === undefined && hasSound && lasting === undefined) this.#tellLasting(undefined);
        taken = now.ingestedBytes;
        takenAt = clock.monotonic();
      }
      const silent = clock.monotonic() - (takenAt ?? startedAt);
      if (silent > allowed(takenAt !== undefined, now, listens)) {
        ended ??= inputStalled(silent, lines.newest(SHOWN_LINES));
        void child.end();
      }
    });
    try {
      const exit = await child.ended;
      if (this.#stopping.signal.aborted) await clock.sleep(TAKEN_IN_WITHIN);
      const ranWell = takenAt !== undefined && takenAt - startedAt >= RAN_WELL_AFTER_MS;
      if (ended === 'without sound') {
        this.#leavesSoundOut = true;
        return { trouble: undefined, ranWell, listens };
      }
      return { trouble: ended ?? inputFailed(exit, lines.newest(SHOWN_LINES)), ranWell, listens };
    } finally {
      watching.cancel();
      this.#stopping.signal.removeEventListener('abort', stop);
    }
  }

  /** Whether nothing was said of the output: then a sound that cannot be carried is left out, and the picture goes on. */
  get #isPlain(): boolean {
    return this.input.output.length === 0 || this.input.output.join(' ') === '-c copy';
  }

  #tellLasting(trouble: Trouble | undefined): void {
    if (trouble === undefined && !this.#isToldLasting) return;
    this.#isToldLasting = trouble !== undefined;
    this.tools.inLastingTrouble(trouble);
  }
}

/** How long nothing may come, in milliseconds. */
function allowed(hasBegun: boolean, fed: Fed | undefined, listens: boolean): number {
  if (!hasBegun) return listens ? Number.POSITIVE_INFINITY : STARTS_WITHIN_MS;
  return Math.max(STALLS_AFTER_MS, 3_000 * (fed?.targetDuration ?? 0));
}
