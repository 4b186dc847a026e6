import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { millis } from '../../../media/units.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { FfmpegArguments } from './ffmpeg-arguments.ts';
import type { Ffmpeg } from './ffmpeg-program.ts';
import type { LastLines } from './last-lines.ts';
import { openSecretFile } from './secret-file.ts';

/** ffmpeg sends what it has when it is asked to end; it is not asked twice. */
const ENDS_WITHIN = millis(3_000);

/** How ffmpeg ended: with a code, or by a signal. */
export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** One life of ffmpeg. It leads a process group: whatever it starts, if it is a script, ends with it. */
export class FfmpegProcess {
  /** Resolves when nothing of it is left. */
  readonly ended: Promise<Exit>;
  #isOver = false;
  #ending: Promise<void> | undefined;

  /** Throws or ends with what the system says when it cannot be started. */
  static start(
    ffmpeg: Ffmpeg,
    { words, files }: Pick<FfmpegArguments, 'words' | 'files'>,
    lines: LastLines,
    clock: Clock,
  ): FfmpegProcess {
    const open: number[] = [];
    try {
      for (const text of files) open.push(openSecretFile(text));
      const [program, ...ahead] = ffmpeg.words;
      const child = spawn(program!, [...ahead, ...words], {
        stdio: ['ignore', 'ignore', 'pipe', ...open],
        env: ffmpeg.env,
        detached: true,
      });
      return new FfmpegProcess(child, lines, clock);
    } finally {
      for (const file of open) closeSync(file);
    }
  }

  private constructor(
    private readonly child: ChildProcess,
    lines: LastLines,
    private readonly clock: Clock,
  ) {
    // There is none where the system had no descriptor left; `error` tells of it.
    child.stderr?.setEncoding('utf8').on('data', (text: string) => lines.push(text));
    child.once('exit', () => {
      this.#isOver = true;
      // What it started and left behind would hold its stderr open.
      this.#signal('SIGKILL');
    });
    this.ended = once(child, 'close').then(([code, signal]) => {
      lines.end();
      return { code: code as number | null, signal: signal as NodeJS.Signals | null };
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Asks it to end, and ends it when it does not. Resolves when nothing of it is left. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    const late = this.clock.after(ENDS_WITHIN, () => this.#signal('SIGKILL'));
    if (!this.#isOver) this.#signal('SIGTERM');
    await this.ended.catch(() => undefined);
    late.cancel();
  }

  /** Ends it before it can send what it has. */
  kill(): void {
    if (!this.#isOver) this.#signal('SIGKILL');
  }

  /** To its whole group. */
  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      // Nobody is left in it; macOS says EPERM of a group that waits to be reaped.
      if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
}
