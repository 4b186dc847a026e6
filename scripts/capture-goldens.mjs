// Runs real encoders against a server that only writes down what comes, and keeps the series of playlists that each
// wrote, with the sizes of the files they name: test/fixtures/goldens/*.series.txt. `node scripts/capture-goldens.mjs`
// for all (a minute), or names of cases; gstreamer-hlssink2 needs gstreamer1.0-tools and -plugins-good, -bad, -ugly. Then `UPDATE_GOLDENS=1 npx vitest run test/goldens.test.ts`, and read what changed.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cases } from './golden-cases.mjs';

const folderOfGoldens = fileURLToPath(new URL('../test/fixtures/goldens/', import.meta.url));
const AT_ONCE = 8;
const wanted = process.argv.slice(2);
const names = Object.keys(cases).filter((name) => wanted.length === 0 || wanted.includes(name));

/** Takes what encoders push and notes it. */
class Sink {
  #events = [];
  #puts = new Map();
  #last = new Map();
  #begun = 0;
  #server;

  static async start(folder) {
    const sink = new Sink();
    sink.folder = folder;
    sink.#server = createServer((request, response) => sink.#answer(request, response));
    await new Promise((resolve) => sink.#server.listen(0, '127.0.0.1', resolve));
    sink.url = `http://127.0.0.1:${sink.#server.address().port}`;
    return sink;
  }

  async close() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Of producers that write their playlist into a file: each that differs from the one before. */
  watch(file) {
    let before = '';
    return setInterval(() => {
      let text = before;
      try {
        text = readFileSync(file, 'utf8');
      } catch {}
      if (text !== before) this.#note(basename(file), text);
      before = text;
    }, 20);
  }

  async #answer(request, response) {
    const path = request.url;
    if (request.method === 'GET') {
      const text = this.#last.get(path);
      response.writeHead(text === undefined ? 404 : 200).end(text);
      return;
    }
    const isPlaylist = /\.m3u8$|\/v1\/playlist$/.test(path);
    const put = isPlaylist ? undefined : this.#begin(basename(path));
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (put) put.size = body.length;
    else if (request.method !== 'DELETE') {
      this.#last.set(path, body);
      this.#note(path.replace(/^\/v1\/(ingest\/camera-0\/)?/, ''), body.toString());
    }
    response.writeHead(200).end();
  }

  #begin(name) {
    this.#begun += 1;
    const put = { size: 0, written: this.#begun };
    this.#puts.set(name, put);
    return put;
  }

  /** Sizes of pushed files are known when they have come, which may be later; a file that grows is looked at now. */
  #note(path, text) {
    const files = [
      ...new Set(
        [...text.matchAll(/^[^#\s].*$|URI="([^"]+)"/gm)].map((found) => basename(found[1] ?? found[0])),
      ),
    ];
    const seen = files.map((file) => [file, this.#puts.get(file) ?? this.#seenNow(file)]);
    this.#events.push({ at: Date.now(), path, text, files: seen });
  }

  #seenNow(file) {
    try {
      const { size, mtimeMs } = statSync(join(this.folder, file));
      return { size, written: mtimeMs };
    } catch {
      return { size: 0, written: 0 };
    }
  }

  /** `=== MILLISECONDS PATH FILE=SIZE …`, and the playlist; of the files those that are new or have been written anew. */
  told() {
    const known = new Map();
    return this.#events
      .map(({ at, path, text, files }) => {
        const changed = files.filter(([file, { size, written }]) => size > 0 && known.get(file) !== written);
        for (const [file, { written }] of changed) known.set(file, written);
        const seen = changed.map(([file, { size }]) => `${file}=${size}`);
        const plain = text.replaceAll(this.url, 'http://127.0.0.1:9080');
        return `${['===', at, path, ...seen].join(' ')}\n${plain}`;
      })
      .join('');
  }
}

async function work() {
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const series = await capture(cases[name]);
    writeFileSync(join(folderOfGoldens, `${name}.series.txt`), series);
    console.log(`${name}: ${series.length} bytes`);
  }
}

async function capture({ command = 'ffmpeg', runs, restartAfter, stall, watches, keyInfo, words }) {
  const folder = mkdtempSync(join(tmpdir(), 'livemix-golden-'));
  const sink = await Sink.start(folder);
  const putIn = (word) =>
    word.replaceAll('FOLDER', folder).replaceAll('URL', sink.url).replaceAll('SOURCE', 'camera-0');
  try {
    if (words) writeFileSync(join(folder, 'words.vtt'), subtitles());
    const rekeying = keyInfo && rekey(folder);
    const watching = watches && sink.watch(join(folder, watches));
    for (const [at, run] of runs.entries()) {
      const child = start(command, run.map(putIn), folder);
      const ended = new Promise((resolve) => child.once('close', resolve));
      if (stall) {
        setTimeout(() => child.kill('SIGSTOP'), stall[0] * 1000);
        setTimeout(() => child.kill('SIGCONT'), stall[1] * 1000);
      }
      if (restartAfter && at < runs.length - 1) setTimeout(() => child.kill('SIGKILL'), restartAfter * 1000);
      await ended;
    }
    await sleep(300);
    clearInterval(rekeying);
    clearInterval(watching);
    return `${about(command, runs[0])}${sink.told()}`;
  } finally {
    await sink.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function start(command, words, folder) {
  const before = command === 'ffmpeg' ? ['-hide_banner', '-loglevel', 'error', '-nostdin'] : ['-q'];
  return spawn(command, [...before, ...words], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
}

function about(command, words) {
  const version = execFileSync(command, [command === 'ffmpeg' ? '-version' : '--version']).toString();
  const shown = words.map((word) => (/[\s;]/.test(word) ? JSON.stringify(word) : word)).join(' ');
  return `# ${version.split('\n')[0].replace(/ Copyright.*/, '')}\n# ${command} ${shown}\n`;
}

/** A key a second or so, as `-hls_flags periodic_rekey` reads them: URI, file, IV. */
function rekey(folder) {
  let at = 0;
  const write = () => {
    at += 1;
    writeFileSync(join(folder, `key-${at}.key`), String(at).padStart(16, '0'));
    writeFileSync(join(folder, 'key-info'), `key-${at}.key\n${join(folder, `key-${at}.key`)}\n`);
  };
  write();
  return setInterval(write, 5_000);
}

const subtitles = () =>
  `WEBVTT\n\n${Array.from({ length: 14 }, (_, at) => `00:${String(at).padStart(2, '0')}.000 --> 00:${String(at).padStart(2, '0')}.900\nword ${at}\n`).join('\n')}`;

await Promise.all(Array.from({ length: AT_ONCE }, work));
