import { execFile } from 'node:child_process';

/** ffmpeg as it is started here. */
export type Ffmpeg = {
  /** What stands ahead of its arguments: itself, and what ends it when its parent ends. */
  readonly words: readonly string[];
  /** 5 of `5.1.9`; of a build that tells no number it is taken to be new. */
  readonly major: number;
  readonly env: Environment;
};

/** What a program is started with in its environment. */
export type Environment = Readonly<Record<string, string>>;

/** ffmpeg cannot be started. The message says why. */
export class FfmpegMissing extends Error {}

const ANSWERS_WITHIN_MS = 10_000;
/** The kernel then ends ffmpeg with this process, whatever ends it. util-linux has it, busybox has not. */
const DIES_WITH_PARENT = ['setpriv', '--pdeathsig', 'KILL'];
/** What ffmpeg is not given of this process's environment: tokens and keys are none of its business, and its reports would hold URLs. */
const KEPT_BACK = /^(LIVEMIX_|AWS_|NODE_|FFREPORT$)/;

/** The part of an environment that ffmpeg is given. `near`: a host that no proxy leads to. */
export function ffmpegEnvironment(
  all: Readonly<Record<string, string | undefined>>,
  near: string,
): Environment {
  const passed = Object.entries(all).filter(([name, value]) => value !== undefined && !KEPT_BACK.test(name));
  const env = Object.fromEntries(passed) as Record<string, string>;
  return { ...env, no_proxy: [env['no_proxy'], near].filter(Boolean).join(',') };
}

/** Which ffmpeg there is. It is looked for until it is found: somebody may install it meanwhile. */
export class FfmpegProgram {
  #finding: Promise<Ffmpeg> | undefined;

  constructor(
    /** Its name or path. */
    readonly command: string,
    private readonly env: Environment,
  ) {}

  /** Rejects with `FfmpegMissing`. */
  find(): Promise<Ffmpeg> {
    this.#finding ??= this.#look().catch((error: unknown) => {
      this.#finding = undefined;
      throw error;
    });
    return this.#finding;
  }

  async #look(): Promise<Ffmpeg> {
    const { env, command } = this;
    const tied = [...DIES_WITH_PARENT, command];
    const major = await majorOf(tied, env).catch(() => undefined);
    if (major !== undefined) return { words: tied, major, env };
    return { words: [command], major: await majorOf([command], env), env };
  }
}

function majorOf([program, ...words]: readonly string[], env: Environment): Promise<number> {
  const limits = { env, timeout: ANSWERS_WITHIN_MS, killSignal: 'SIGKILL', maxBuffer: 65_536 } as const;
  return new Promise((resolve, reject) => {
    execFile(program!, [...words, '-version'], limits, (error, stdout) => {
      if (error !== null) return reject(new FfmpegMissing(reasonOf(error), { cause: error }));
      const major = /^ffmpeg version \D?(\d+)\.\d/.exec(stdout)?.[1];
      resolve(major === undefined ? Number.POSITIVE_INFINITY : Number(major));
    });
  });
}

function reasonOf(error: Error & { code?: unknown; killed?: boolean }): string {
  if (error.code === 'ENOENT') return 'It is not there.';
  if (error.code === 'EACCES') return 'It may not be executed.';
  if (error.killed) return 'It does not answer.';
  return `It ended with ${String(error.code)} when it was asked for its version.`;
}
