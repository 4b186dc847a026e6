import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const livemix = fileURLToPath(new URL('../../bin/livemix.js', import.meta.url));

/** A real process under test, with what it printed. */
export class Running implements AsyncDisposable {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  /** @param folder in which it runs */
  constructor(command: string, args: readonly string[], env: Record<string, string> = {}, folder?: string) {
    const { PATH, HOME } = process.env;
    this.#child = spawn(command, args, {
      env: { PATH, HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(folder !== undefined && { cwd: folder }),
    });
    this.#child.stdout!.on('data', (data) => {
      this.stdout += data;
    });
    this.#child.stderr!.on('data', (data) => {
      this.stderr += data;
    });
    this.#ended = once(this.#child, 'close');
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** Waits for a match in what was printed; fails when the process ends before. */
  async printed(pattern: RegExp, withinMs = 20_000): Promise<RegExpExecArray> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (match !== null) return match;
      const over = performance.now() > deadline || this.#child.exitCode !== null;
      if (over) throw new Error(`${pattern} was not printed:\n${this.stdout}\n${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves with the exit code when the process has ended. */
  async ended(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

/** `livemix …` as a process of its own. */
export const startLiveMix = (args: readonly string[], env: Record<string, string> = {}): Running =>
  new Running(process.execPath, [livemix, ...args], env);

/** The same on a terminal, where it may draw. What it prints, on stdout and stderr, is its stdout. */
export const startOnTerminal = (args: readonly string[], env: Record<string, string> = {}): Running => {
  const words = [process.execPath, livemix, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  return new Running('script', ['--quiet', '--return', '--command', words.join(' '), '/dev/null'], env);
};

/** The URL a node says it listens at. */
export const urlOf = async (node: Running): Promise<string> =>
  (await node.printed(/"url":"(http:[^"]+)"[^\n]*listening/))[1]!;
