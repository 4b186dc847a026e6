import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';

const MS_PER_TICK = 10; // Linux counts CPU time in hundredths of a second for every program.

/** The core of what is measured, and the core of what loads it. On one core they are the same. */
export const SERVER_CORE = 0;
export const LOAD_CORE = cpus().length > 1 ? 1 : 0;

/** Fails early and plainly when a program is not there. */
export function need(...programs) {
  for (const program of programs) {
    const found = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
    if (!found)
      throw new Error(`this bench needs ${program}; on Debian: apt-get install nginx-light wrk util-linux`);
  }
}

/** A program in a process of its own, on a core of its own, that ends with the scope. */
export class Child {
  /** What it wrote, line by line; the newest are kept. */
  lines = [];
  #waiting = new Set();

  /** `core`: where it may run; `openFiles`: how many it may have open. */
  constructor(scope, command, args, { core, openFiles, env } = {}) {
    const pinned =
      core === undefined ? [command, ...args] : ['taskset', '-c', String(core), command, ...args];
    const [program, ...rest] =
      openFiles === undefined
        ? pinned
        : ['sh', '-c', `ulimit -n ${openFiles} || exit 1; exec "$@"`, 'sh', ...pinned];
    this.process = spawn(program, rest, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.pid = this.process.pid;
    this.process.on('error', (error) => this.#take(`failed to start: ${error.message}`));
    this.exited = new Promise((resolve) => this.process.once('exit', resolve));
    for (const output of ['stdout', 'stderr']) {
      createInterface({ input: this.process[output] }).on('line', (line) => this.#take(line));
    }
    scope.defer(() => this.stop());
  }

  #take(line) {
    this.lines.push(line);
    if (this.lines.length > 1_000) this.lines.shift();
    for (const look of this.#waiting) look(line);
  }

  /** The first thing true that `find` makes of a line, already written or to come. */
  async line(find, withinMs = 15_000) {
    for (const line of this.lines) {
      const found = find(line);
      if (found) return found;
    }
    let look;
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        const fail = (why) => reject(new Error(`${why}; it wrote:\n${this.lines.slice(-20).join('\n')}`));
        look = (line) => {
          const found = find(line);
          if (found) resolve(found);
        };
        this.#waiting.add(look);
        timer = setTimeout(() => fail(`process ${this.pid} did not say so in time`), withinMs);
        this.exited.then(() => fail(`process ${this.pid} ended`));
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
  }

  /** CPU time so far in ms, user and system, its own children included. */
  cpuMs() {
    return familyOf(this.pid).reduce((total, pid) => total + cpuOf(pid), 0);
  }

  /** How long main threads could run and were not let so far, in ms: others had the core. */
  waitedMs() {
    return familyOf(this.pid).reduce((total, pid) => total + waitedOf(pid), 0);
  }

  /** Resident memory in bytes, now and at most so far. */
  memory() {
    const status = readFileSync(`/proc/${this.pid}/status`, 'latin1');
    const field = (name) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024;
    return { rss: field('VmRSS'), peak: field('VmHWM'), anonymous: field('RssAnon'), file: field('RssFile') };
  }

  async stop(signal = 'SIGTERM') {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill(signal);
    const killer = setTimeout(() => this.process.kill('SIGKILL'), 8_000);
    await this.exited;
    clearTimeout(killer);
  }
}

/** A process and all below it. */
function familyOf(pid) {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').map(Number);
  return [pid, ...children.filter((child) => child > 0).flatMap(familyOf)];
}

function cpuOf(pid) {
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * MS_PER_TICK;
}

const waitedOf = (pid) => Number(read(`/proc/${pid}/schedstat`).split(' ')[1] ?? 0) / 1e6;

/** Empty when the process has gone. */
function read(file) {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
