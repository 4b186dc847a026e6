import { mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './nodes.ts';
import { Running } from './process.ts';

/** A real nginx that gives out a folder on a free port of this machine. */
export class Nginx implements AsyncDisposable {
  private constructor(
    readonly origin: string,
    private readonly process: Running,
    private readonly folder: string,
  ) {}

  static async start(root: string): Promise<Nginx> {
    const folder = mkdtempSync(join(tmpdir(), 'livemix-nginx-'));
    for (let attempt = 0; ; attempt++) {
      const port = 20_000 + Math.floor(Math.random() * 12_000);
      await writeFile(join(folder, 'nginx.conf'), configuration(root, folder, port));
      const process = new Running('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr']);
      const origin = `http://127.0.0.1:${port}`;
      const answers = () =>
        fetch(origin).then(
          (response) => response.status > 0,
          () => process.exitCode !== null,
        );
      await until('nginx answers', answers);
      if (process.exitCode === null) return new Nginx(origin, process, folder);
      if (attempt === 5) throw new Error(`nginx did not start: ${process.stderr}`);
    }
  }

  /** What it was asked, `GET /a.m3u8 304`, in order. */
  async asked(): Promise<readonly string[]> {
    return (await readFile(join(this.folder, 'access.log'), 'utf8')).trim().split('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.signal('SIGTERM');
    await this.process.ended();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Nothing of it lies outside its own folder. */
const configuration = (root: string, folder: string, port: number): string => `
daemon off;
worker_processes 1;
user ${process.getuid?.() === 0 ? 'root' : 'nobody'};
pid ${folder}/nginx.pid;
events { worker_connections 256; }
http {
  log_format short '$request_method $uri $status';
  access_log ${folder}/access.log short;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server { listen 127.0.0.1:${port}; root ${root}; }
}
`;
