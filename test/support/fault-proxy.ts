import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A line between two nodes that can be hurt: TCP in user space, so that a test needs no rights. Every fault acts
 * on all connections, those that stand and those to come.
 */
export type FaultProxy = {
  /** What to dial instead of the target. */
  readonly url: string;
  /**
   * Silence: nothing passes either way and nobody is told. Connections stay, new ones hang; an end or a reset of
   * one side reaches the other after `heal`.
   */
  cut(): void;
  /** Resets what stands and refuses what comes, until `heal`. */
  reset(): Promise<void>;
  /** Ends every fault. What was held by a cut goes on. */
  heal(): Promise<void>;
  /** Every byte arrives so much later, each way; the line stays as wide as it is. */
  delay(ms: number): void;
  /** The line carries so many bytes in a second, each way, all connections together; 0: as many as it can. */
  rate(bytesPerSecond: number): void;
  /** Resets all connections once, when so many more bytes went up; new ones are welcome. Resolves when it happened. */
  resetAfter(bytes: number): Promise<void>;
  /** Bytes that came from those who dialled, and went on. */
  bytesUp(): number;
  bytesDown(): number;
  /** How many connections were taken so far. */
  connections(): number;
  [Symbol.asyncDispose](): Promise<void>;
};

/** A direction holds at most this; then its sender feels it. */
const MAX_QUEUED_BYTES = 256 * 1024;
const SLICE_BYTES = 16 * 1024;

export async function startFaultProxy(targetUrl: string): Promise<FaultProxy> {
  const target = new URL(targetUrl);
  const line = new Line(target.hostname, Number(target.port));
  const port = await line.listen(0);
  return {
    url: `${target.protocol}//127.0.0.1:${port}`,
    cut: () => {
      line.silent = true;
    },
    reset: () => line.refuse(),
    heal: () => line.heal(port),
    delay: (ms) => {
      line.delayMs = ms;
    },
    rate: (bytesPerSecond) => {
      line.bytesPerSecond = bytesPerSecond;
    },
    resetAfter: (bytes) =>
      new Promise((resolve) => {
        line.fuse = { left: bytes, burnt: resolve };
      }),
    bytesUp: () => line.up.bytes,
    bytesDown: () => line.down.bytes,
    connections: () => line.taken,
    [Symbol.asyncDispose]: () => line.end(),
  };
}

/** Bytes that passed in one direction, and when the line is free for more. */
type Lane = { bytes: number; freeAt: number };

class Line {
  silent = false;
  delayMs = 0;
  bytesPerSecond = 0;
  fuse: { left: number; burnt: () => void } | undefined;
  taken = 0;
  readonly up: Lane = { bytes: 0, freeAt: 0 };
  readonly down: Lane = { bytes: 0, freeAt: 0 };
  readonly #sockets = new Set<Socket>();
  readonly #healed = new Set<() => void>();
  #server: Server | undefined;
  #ended = false;

  constructor(
    private readonly host: string,
    private readonly port: number,
  ) {}

  async listen(port: number): Promise<number> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      this.taken += 1;
      void this.#carry(client);
    });
    this.#server = server;
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as { port: number }).port;
  }

  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    this.resetAll();
    await closed;
  }

  async heal(port: number): Promise<void> {
    this.silent = false;
    this.delayMs = 0;
    this.bytesPerSecond = 0;
    this.fuse = undefined;
    if (this.#server === undefined && !this.#ended) await this.listen(port);
    for (const go of this.#healed) go();
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.silent = false;
    await this.refuse();
    for (const go of this.#healed) go();
  }

  resetAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Resolves when bytes pass. */
  async open(): Promise<void> {
    while (this.silent) {
      let go!: () => void;
      await new Promise<void>((resolve) => {
        go = resolve;
        this.#healed.add(go);
      });
      this.#healed.delete(go);
    }
  }

  /** Waits for its turn on a line of limited width. */
  async turn(lane: Lane, bytes: number): Promise<void> {
    if (this.bytesPerSecond === 0) return;
    const now = performance.now();
    lane.freeAt = Math.max(lane.freeAt, now) + (bytes / this.bytesPerSecond) * 1000;
    await sleep(lane.freeAt - now);
  }

  async #carry(client: Socket): Promise<void> {
    this.#keep(client);
    const up = new Flow(this, this.up, client);
    await this.open();
    // Whoever gave up meanwhile never got through.
    if (client.destroyed || client.readableEnded) return void client.destroy();
    const target = createConnection({
      host: this.host,
      port: this.port,
      allowHalfOpen: true,
      noDelay: true,
    });
    this.#keep(target);
    const down = new Flow(this, this.down, target);
    void up.run(target);
    void down.run(client);
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined); // The close that follows tells.
    socket.on('close', () => this.#sockets.delete(socket));
  }
}

type Item = { readonly at: number; readonly chunk: Buffer | 'end' | 'reset' };

/** One direction of one connection: keeps order, whatever befalls. */
class Flow {
  readonly #items: Item[] = [];
  #queued = 0;
  #wake: () => void = () => undefined;

  constructor(
    private readonly line: Line,
    private readonly lane: Lane,
    private readonly from: Socket,
  ) {
    const push = (chunk: Item['chunk']) => {
      this.#items.push({ at: performance.now() + line.delayMs, chunk });
      this.#wake();
    };
    from.on('data', (chunk) => {
      this.#queued += chunk.length;
      if (this.#queued > MAX_QUEUED_BYTES) from.pause();
      push(chunk);
    });
    from.on('end', () => push('end'));
    from.on('close', (failed) => push(failed || !from.readableEnded ? 'reset' : 'end'));
  }

  async run(to: Socket): Promise<void> {
    for (;;) {
      const item = this.#items.shift();
      if (item === undefined) {
        if (this.from.destroyed && to.destroyed) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      const early = item.at - performance.now();
      if (early > 0) await sleep(early);
      await this.line.open();
      if (item.chunk === 'reset') return void to.resetAndDestroy();
      if (item.chunk === 'end') {
        to.end();
        if (this.from.destroyed) return;
        continue;
      }
      for (let at = 0; at < item.chunk.length && !to.destroyed; at += SLICE_BYTES) {
        await this.#pass(item.chunk.subarray(at, at + SLICE_BYTES), to);
      }
      this.#queued -= item.chunk.length;
      if (this.#queued <= MAX_QUEUED_BYTES) this.from.resume();
    }
  }

  async #pass(slice: Buffer, to: Socket): Promise<void> {
    await this.line.turn(this.lane, slice.length);
    await this.line.open();
    const { fuse } = this.line;
    const burns = fuse !== undefined && this.lane === this.line.up && fuse.left <= slice.length;
    const passing = burns ? slice.subarray(0, fuse.left) : slice;
    if (fuse !== undefined && this.lane === this.line.up) fuse.left -= passing.length;
    if (burns) this.line.fuse = undefined;
    this.lane.bytes += passing.length;
    await written(to, passing);
    if (!burns) return;
    await sleep(20); // So that the target has read what passed.
    this.line.resetAll();
    fuse.burnt();
  }
}

/** Resolves when the system took the bytes, or never will. */
function written(to: Socket, bytes: Buffer): Promise<void> {
  if (to.destroyed || bytes.length === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      to.off('close', done);
      resolve();
    };
    to.once('close', done);
    to.write(bytes, done);
  });
}
