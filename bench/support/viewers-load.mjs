// Paced viewers on raw sockets, in a process of their own: what the server costs is not what a HTTP client costs.
// Reads its orders as JSON from the environment, writes one JSON line when it has begun and one when it is done.
import { connect } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { percentile, round } from './numbers.mjs';

const orders = JSON.parse(process.env.VIEWERS);
const { host, port, playlist, viewers, pollEveryMs, segments, seconds, addresses, rampMs, warmUpMs } = orders;

/** All bytes of bodies land here and are not looked at; only playlists are kept. */
const shared = Buffer.allocUnsafeSlow(256 * 1024);
const startedAt = performance.now();
const measuresFrom = startedAt + rampMs + warmUpMs;
const endsAt = measuresFrom + seconds * 1000;
const errors = new Map();
const firstByte = [];
const complete = [];
const polls = [];
let bytes = 0;
let segmentsDone = 0;
let pollsDone = 0;
let listsBehind = 0;

const failed = (what) => errors.set(what, (errors.get(what) ?? 0) + 1);
const measured = () => performance.now() >= measuresFrom && performance.now() <= endsAt;

class Viewer {
  #socket;
  #head = '';
  #left = 0;
  /** What is being asked for: `list` or `segment`. */
  #asked;
  #askedAt = 0;
  #list = [];
  #wanted = [];
  #seen = 0;
  #timer;

  constructor(index) {
    const localAddress = addresses > 0 ? `127.0.${1 + (index % addresses)}.1` : undefined;
    this.#timer = setTimeout(() => this.#open(localAddress), (rampMs * index) / viewers);
  }

  #open(localAddress) {
    this.#socket = connect({
      host,
      port,
      localAddress,
      noDelay: true,
      onread: {
        buffer: shared,
        callback: (length) => {
          this.#take(length);
          return true;
        },
      },
    });
    this.#socket.on('connect', () => this.#poll());
    this.#socket.on('error', (error) => failed(error.code));
    this.#socket.on('close', () => {
      if (performance.now() < endsAt && !this.ended) failed('closed');
    });
  }

  #poll() {
    this.#timer = setTimeout(() => this.#poll(), pollEveryMs);
    if (this.#asked !== undefined) {
      listsBehind += 1; // Still busy with the last segment: it polls again at its next turn.
      return;
    }
    this.#ask('list', playlist);
  }

  #ask(what, path) {
    this.#asked = what;
    this.#head = '';
    this.#left = -1;
    this.#askedAt = performance.now();
    this.firstByteAt = 0;
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nUser-Agent: bench\r\n\r\n`);
  }

  #take(length) {
    if (this.#asked === undefined) return failed('unasked bytes');
    if (this.firstByteAt === 0) this.firstByteAt = performance.now();
    let from = 0;
    if (this.#left < 0) {
      const text = this.#head + shared.latin1Slice(0, length);
      const end = text.indexOf('\r\n\r\n');
      if (end === -1) {
        this.#head = text;
        return;
      }
      from = end + 4 - this.#head.length;
      this.#readHead(text.slice(0, end));
      this.#head = '';
    }
    if (this.#asked === 'list') this.#list.push(shared.latin1Slice(from, length));
    this.#left -= length - from;
    bytes += length;
    if (this.#left === 0) this.#done();
    else if (this.#left < 0) failed('too many bytes');
  }

  #readHead(head) {
    const status = head.slice(9, 12);
    if (status !== '200') failed(`status ${status}`);
    this.#left = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  }

  #done() {
    const took = performance.now() - this.#askedAt;
    const asked = this.#asked;
    this.#asked = undefined;
    if (asked === 'list') {
      pollsDone += 1;
      if (measured()) polls.push(took);
      if (segments) this.#readList();
      else this.#list = [];
    } else {
      segmentsDone += 1;
      if (measured()) {
        firstByte.push(this.firstByteAt - this.#askedAt);
        complete.push(took);
      }
    }
    const next = this.#wanted.shift();
    if (next !== undefined) this.#ask('segment', next);
  }

  /** Wants what is new; of the first list the newest alone. */
  #readList() {
    const text = this.#list.join('');
    this.#list = [];
    if (text === '') return;
    const listed = [];
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      listed.push({ path: line.replace('../../', '/'), sequence: Number(/(\d+)-[^/]*$/.exec(line)[1]) });
    }
    const newest = listed.at(-1).sequence;
    const fresh =
      this.#seen === 0 ? listed.slice(-1) : listed.filter(({ sequence }) => sequence > this.#seen);
    if (this.#seen > 0 && fresh.length > 0 && fresh[0].sequence !== this.#seen + 1)
      failed('missed a segment');
    this.#seen = newest;
    this.#wanted.push(...fresh.map(({ path }) => path));
  }

  end() {
    this.ended = true;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }
}

const all = Array.from({ length: viewers }, (_, index) => new Viewer(index));
let bytesBefore = 0;
const lag = monitorEventLoopDelay({ resolution: 5 });
setTimeout(() => {
  bytesBefore = bytes;
  lag.enable();
  console.log(JSON.stringify({ measuring: true }));
}, measuresFrom - performance.now());
setTimeout(() => {
  const of = (values) =>
    values.length === 0
      ? undefined
      : {
          p50Ms: round(percentile(values, 0.5)),
          p99Ms: round(percentile(values, 0.99)),
          maxMs: round(percentile(values, 1)),
        };
  const figures = {
    viewers,
    seconds,
    gbitPerSecond: round(((bytes - bytesBefore) * 8) / seconds / 1e9),
    polls: of(polls),
    firstByte: of(firstByte),
    complete: of(complete),
    pollsDone,
    segmentsDone,
    listsBehind,
    loadLagMaxMs: round(lag.max / 1e6),
    errors: Object.fromEntries(errors),
  };
  console.log(JSON.stringify({ done: figures }));
}, endsAt - performance.now());
// It waits to be told to end, so that memory can be looked at while all are connected.
process.stdin.on('end', () => {
  for (const viewer of all) viewer.end();
  process.exit(0);
});
process.stdin.resume();
