import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';

/** A real S3 of its own, on this machine: Ceph's, of one monitor, one disk that is a file, and its HTTP server. */
export type Radosgw = {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** An empty one. */
  readonly bucket: string;
  /** What the SDK reads its keys from. */
  readonly environment: Readonly<Record<'AWS_ACCESS_KEY_ID' | 'AWS_SECRET_ACCESS_KEY', string>>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

const accessKey = 'LIVEMIXTEST';
const secretKey = 'livemix-test-secret-key';
const bucket = 'livemix-test';
const DISK_BYTES = 8 * 2 ** 30;
const UP_WITHIN_MS = 60_000;

/** Takes some 10 s. It ends, and its folder goes, with `close` or with this process, however that ends. */
export async function startRadosgw(): Promise<Radosgw> {
  await using cluster = await Cluster.start();
  const port = await cluster.serve();
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new S3Client({
    endpoint,
    forcePathStyle: true,
    region: 'us-east-1',
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  const close = cluster.keep();
  return {
    endpoint,
    accessKey,
    secretKey,
    bucket,
    environment: { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey },
    close,
    [Symbol.asyncDispose]: close,
  };
}

class Cluster {
  readonly #folder: string;
  readonly #undertaker: ChildProcess;
  #kept = false;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#undertaker = startUndertaker(folder);
  }

  /** A monitor and a disk that know each other. */
  static async start(): Promise<Cluster> {
    const cluster = new Cluster(await mkdtemp(join(tmpdir(), 'livemix-ceph-')));
    try {
      await cluster.#start();
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  /** Starts the HTTP server and makes the user. Gives back the port when it answers. */
  async serve(): Promise<number> {
    const port = await freePort();
    // It makes its pools first; two that do so at once get into each other's way.
    const server = this.#spawn('radosgw', [
      '-f',
      ...['-n', 'client.admin'],
      `--rgw-frontends=beast endpoint=127.0.0.1:${port}`,
      `--pid-file=${join(this.#folder, 'radosgw.pid')}`,
    ]);
    for (const end = performance.now() + UP_WITHIN_MS; ; await sleep(50)) {
      const answers = await fetch(`http://127.0.0.1:${port}/`).then(
        (answer) => answer.ok,
        () => false,
      );
      if (answers) break;
      if (performance.now() < end && server.exitCode === null) continue;
      throw new Error(`radosgw does not serve. ${await this.#lastLines('radosgw')}`);
    }
    const user = ['--uid=livemix', '--display-name=livemix'];
    const keys = [`--access-key=${accessKey}`, `--secret-key=${secretKey}`];
    await this.#run('radosgw-admin', ['user', 'create', ...user, ...keys]);
    return port;
  }

  /** Lets it go on when this scope ends. What it gives back ends it. */
  keep(): () => Promise<void> {
    this.#kept = true;
    return () => this.close();
  }

  async close(): Promise<void> {
    if (this.#undertaker.exitCode !== null || this.#undertaker.signalCode !== null) return;
    const gone = once(this.#undertaker, 'exit');
    this.#undertaker.ref();
    this.#undertaker.stdin?.end();
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#kept) await this.close();
  }

  async #start(): Promise<void> {
    const [monitor, cluster, disk] = [await freePort(), randomUUID(), randomUUID()];
    const at = (name: string) => join(this.#folder, name);
    for (const name of ['mon', 'osd', 'crash']) await mkdir(at(name));
    await writeFile(at('ceph.conf'), configuration(this.#folder, cluster, monitor));
    await writeFile(at('keyring'), keyring(), { mode: 0o600 });
    const address = `[v2:127.0.0.1:${monitor}]`;
    await this.#run('monmaptool', ['--create', '--fsid', cluster, '--addv', 'a', address, at('monmap')]);
    await Promise.all([
      this.#run('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', at('monmap'), '--keyring', at('keyring')]),
      this.#run('ceph-osd', ['--mkfs', '--no-mon-config', '-i', '0', '--osd-uuid', disk]),
    ]);
    this.#spawn('ceph-mon', ['-f', '-i', 'a']);
    await this.#run('ceph', ['--connect-timeout', '30', 'osd', 'new', disk, '0']);
    this.#spawn('ceph-osd', ['-f', '-i', '0']);
  }

  #arguments(given: readonly string[]): string[] {
    return ['-c', join(this.#folder, 'ceph.conf'), ...given];
  }

  async #run(program: string, given: readonly string[]): Promise<void> {
    const environment = withDaemons();
    const options = { env: environment, timeout: UP_WITHIN_MS };
    await promisify(execFile)(program, this.#arguments(given), options).catch((error) => {
      throw explained(program, error);
    });
  }

  #spawn(program: string, given: readonly string[]): ChildProcess {
    const output = openSync(join(this.#folder, `${program}.out`), 'a');
    const child = spawn(program, this.#arguments(given), {
      stdio: ['ignore', output, output],
      env: withDaemons(),
    });
    child.on('error', () => undefined); // Whoever waits for it finds that it is not there.
    if (child.pid !== undefined) this.#undertaker.stdin?.write(`${child.pid}\n`);
    return child;
  }

  async #lastLines(program: string): Promise<string> {
    const text = await readFile(join(this.#folder, `${program}.out`), 'utf8').catch(() => '');
    return text.slice(-2000);
  }
}

/**
 * A shell that is told the numbers of processes. When its input ends, which it also does when this process is
 * killed, it ends them and removes the folder. It is in no terminal's group, so that Ctrl-C passes it by.
 */
function startUndertaker(folder: string): ChildProcess {
  const script =
    'pids=; while read -r pid; do pids="$pids $pid"; done; kill -9 $pids 2>/dev/null; sleep 0.1; rm -rf "$0"';
  const shell = spawn('/bin/sh', ['-c', script, folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.unref();
  return shell;
}

const configuration = (folder: string, cluster: string, monitor: number): string => `[global]
fsid = ${cluster}
mon host = [v2:127.0.0.1:${monitor}]
public addr = 127.0.0.1
ms bind ipv6 = false
keyring = ${folder}/keyring
run dir = ${folder}
admin socket = ${folder}/$name.$pid.asok
crash dir = ${folder}/crash
log to file = false
log to stderr = true
err to stderr = true
mon data = ${folder}/mon
mon cluster log to file = false
mon data avail crit = 1
mon allow pool size one = true
mon warn on pool no redundancy = false
paxos propose interval = 0.05
paxos min wait = 0.01
osd data = ${folder}/osd
osd objectstore = bluestore
osd memory target = 939524096
bluestore block size = ${DISK_BYTES}
bluestore fsck on mount = false
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
rgw dns name =
rgw enable usage log = false
rgw enable ops log = false
`;

const keyring = (): string => `[mon.]
key = ${cephKey()}
caps mon = "allow *"
[client.admin]
key = ${cephKey()}
caps mon = "allow *"
caps osd = "allow *"
[osd.0]
key = ${cephKey()}
caps mon = "allow profile osd"
caps osd = "allow *"
`;

/** A secret as Ceph writes it: its kind (AES), when it was made, its length, itself. */
function cephKey(): string {
  const head = Buffer.alloc(12);
  head.writeUInt16LE(1, 0);
  head.writeUInt32LE(Math.floor(Date.now() / 1000), 2);
  head.writeUInt16LE(16, 10);
  return Buffer.concat([head, randomBytes(16)]).toString('base64');
}

/** Not everybody has the folders of daemons on the path. */
const withDaemons = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter),
  CEPH_CONF: '',
});

function explained(program: string, error: NodeJS.ErrnoException & { stderr?: string }): Error {
  if (error.code === 'ENOENT') {
    return new Error(`This test needs ${program}: run \`bash scripts/install-test-parts.sh\`.`);
  }
  return new Error(`${program} failed: ${error.message}\n${error.stderr?.slice(-2000) ?? ''}`);
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
