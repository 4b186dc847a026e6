import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import type { Prng } from './seed.ts';

/** A line that knows WebSocket messages apart and can lose, double and delay them; all else passes as it is. */
export type FrameProxy = {
  readonly url: string;
  /** From now on a message meets one of the faults with this probability; a late one is late by at most `delayMs`. */
  hurt(faults: { readonly probability: number; readonly delayMs: number }): void;
  heal(): void;
  /** What was done to messages so far. */
  readonly counts: {
    readonly passed: number;
    readonly dropped: number;
    readonly doubled: number;
    readonly late: number;
  };
  [Symbol.asyncDispose](): Promise<void>;
};

/** The first messages of a link are its handshake: TCP would not lose these and go on. */
const SPARED = 1;
const MAX_HEAD_BYTES = 64 * 1024;

export async function startFrameProxy(targetUrl: string, prng: Prng): Promise<FrameProxy> {
  const target = new URL(targetUrl);
  const counts = { passed: 0, dropped: 0, doubled: 0, late: 0 };
  let faults = { probability: 0, delayMs: 0 };
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // The close that follows tells.
    socket.on('close', () => sockets.delete(socket));
  };

  /** Decides over one message; data frames only, so that pings and closes stay what they are. */
  const pass = (to: Socket, frame: Buffer, isFirst: boolean) => {
    const isData = (frame[0]! & 0x0f) <= 2;
    const write = () => {
      if (!to.destroyed && to.writable) to.write(frame);
    };
    if (!isData || isFirst || !prng.chance(faults.probability)) {
      counts.passed += isData ? 1 : 0;
      return write();
    }
    const fate = prng.pick(['dropped', 'doubled', 'late'] as const);
    counts[fate] += 1;
    if (fate === 'doubled') {
      write();
      write();
    }
    if (fate === 'late') setTimeout(write, prng.integer(1, Math.max(1, faults.delayMs)));
  };

  const carry = (from: Socket, to: Socket, isUpgrade: (head: string) => boolean) => {
    let buffered: Buffer = Buffer.alloc(0);
    let mode: 'head' | 'frames' | 'raw' = 'head';
    let seen = 0;
    from.on('data', (chunk: Buffer) => {
      if (mode === 'raw') {
        if (!to.write(chunk)) from.pause();
        return;
      }
      buffered = Buffer.concat([buffered, chunk]);
      if (mode === 'head') {
        const end = buffered.indexOf('\r\n\r\n');
        if (end < 0 && buffered.length < MAX_HEAD_BYTES) return;
        if (end < 0 || !isUpgrade(buffered.toString('latin1', 0, end))) {
          mode = 'raw';
          to.write(buffered);
          buffered = Buffer.alloc(0);
          return;
        }
        mode = 'frames';
        to.write(buffered.subarray(0, end + 4));
        buffered = buffered.subarray(end + 4);
      }
      for (let length = frameLength(buffered); length !== undefined; length = frameLength(buffered)) {
        pass(to, Buffer.from(buffered.subarray(0, length)), seen++ < SPARED);
        buffered = buffered.subarray(length);
      }
    });
    to.on('drain', () => from.resume());
    from.on('end', () => to.end());
    from.on('close', () => (from.readableEnded ? to.end() : to.resetAndDestroy()));
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = createConnection({
      ...{ host: target.hostname, port: Number(target.port), allowHalfOpen: true, noDelay: true },
    });
    keep(client);
    keep(upstream);
    carry(client, upstream, (head) => /^upgrade: *websocket/im.test(head));
    carry(upstream, client, (head) => head.startsWith('HTTP/1.1 101'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `${target.protocol}//127.0.0.1:${(server.address() as { port: number }).port}`,
    hurt: (wanted) => {
      faults = wanted;
    },
    heal: () => {
      faults = { probability: 0, delayMs: 0 };
    },
    counts,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Of the frame that the bytes begin with, RFC 6455 §5.2; undefined while it is not there as a whole. */
export function frameLength(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  if (bytes.length < 2 + extended) return undefined;
  const payload =
    extended === 2 ? bytes.readUInt16BE(2) : extended === 8 ? Number(bytes.readBigUInt64BE(2)) : short;
  const mask = (bytes[1]! & 0x80) !== 0 ? 4 : 0;
  const length = 2 + extended + mask + payload;
  return bytes.length < length ? undefined : length;
}
