import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A real memcached of its own, on a free port of this machine, that can be hurt. */
export type Memcached = {
  readonly port: number;
  /** What LIVEMIX_CACHE_URL takes. */
  readonly url: string;
  readonly pid: number;
  /** It keeps its connections and answers nothing (SIGSTOP), until `thaw`. Resolves when all its threads stand. */
  freeze(): Promise<void>;
  thaw(): void;
  /** Forgets everything at once. */
  flushAll(): Promise<void>;
  /** Sends text of memcached's protocol, gives back what came until `until` did. */
  raw(command: string | Buffer, until?: string): Promise<string>;
  /** A figure of `stats`: `curr_connections`, `cmd_get`. */
  stat(name: string): Promise<number>;
  kill(): Promise<void>;
  /** Ends it and starts an empty one on the same port, with other arguments if given. */
  restart(args?: readonly string[]): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** `args` stand beside address, port and user; the default takes segments of 32 MiB and keeps 96 MiB. */
export async function startMemcached(
  options: { readonly port?: number; readonly args?: readonly string[] } = {},
): Promise<Memcached> {
  const port = options.port ?? (await freePort());
  let child = await launch(port, options.args ?? ['-I', '32m', '-m', '96']);
  const kill = () => end(child);
  const raw = (command: string | Buffer, until = '\r\n') => ask(port, command, until);
  return {
    port,
    url: `memcached://127.0.0.1:${port}`,
    get pid() {
      return child.pid!;
    },
    freeze: async () => {
      child.kill('SIGSTOP');
      while (!(await stands(child.pid!))) await sleep(1);
    },
    thaw: () => void child.kill('SIGCONT'),
    flushAll: async () => void (await raw('flush_all\r\n')),
    raw,
    stat: async (name) => {
      const found = new RegExp(`STAT ${name} (\\d+)`).exec(await raw('stats\r\n', 'END\r\n'));
      return Number(found?.[1]);
    },
    kill,
    restart: async (args = options.args ?? ['-I', '32m', '-m', '96']) => {
      await kill();
      child = await launch(port, args);
    },
    [Symbol.asyncDispose]: kill,
  };
}

async function launch(port: number, args: readonly string[]): Promise<ChildProcess> {
  const where = ['-u', 'nobody', '-l', '127.0.0.1', '-p', String(port), '-U', '0'];
  const child = spawn('memcached', [...where, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let trouble = '';
  child.stderr?.on('data', (chunk) => {
    trouble = `${trouble}${chunk}`.slice(-2000);
  });
  child.on('error', (error: NodeJS.ErrnoException) => {
    const mend = error.code === 'ENOENT' ? ' This test needs memcached: `apt-get install memcached`.' : '';
    trouble = `${error.message}.${mend}`;
  });
  for (let attempt = 0; attempt < 500; attempt++) {
    if (child.pid === undefined || child.exitCode !== null) {
      await sleep(50);
      throw new Error(`memcached did not start on port ${port}: ${trouble}`);
    }
    const version = await ask(port, 'version\r\n', '\r\n').catch(() => '');
    if (version.startsWith('VERSION')) return child;
    await sleep(10);
  }
  await end(child);
  throw new Error(`memcached does not answer on port ${port}: ${trouble}`);
}

/** Whether the system has stopped every thread of a process: a signal takes its time on a busy machine. */
async function stands(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`);
  const stats = await Promise.all(threads.map((id) => readFile(`/proc/${pid}/task/${id}/stat`, 'latin1')));
  return stats.every((stat) => /\) T /.test(stat));
}

/** SIGKILL ends a frozen process too. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

function ask(port: number, command: string | Buffer, until: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    let text = '';
    socket.on('error', reject);
    socket.on('close', () =>
      reject(new Error(`memcached ended the connection after ${JSON.stringify(text)}`)),
    );
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!text.endsWith(until)) return;
      socket.destroy();
      resolve(text);
    });
    socket.write(command);
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
