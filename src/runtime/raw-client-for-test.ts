import { connect, type Socket } from 'node:net';

/** A connection of a client that speaks byte by byte. */
export type RawClient = {
  readonly socket: Socket;
  /** All that came so far, as Latin-1. */
  readonly received: () => string;
  send(text: string | Buffer): void;
  /** Resolves with all that came when `pattern` stands in it. */
  until(pattern: RegExp): Promise<string>;
  /** Resolves with all that came when the other side has closed. */
  closed(): Promise<string>;
};

export async function rawClient(port: number, host = '127.0.0.1'): Promise<RawClient> {
  const socket = connect(port, host);
  let received = '';
  let isClosed = false;
  const watchers = new Set<() => void>();
  const wake = () => {
    for (const watcher of watchers) watcher();
  };
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    wake();
  });
  socket.on('error', () => {}); // A reset is a way to close.
  socket.on('close', () => {
    isClosed = true;
    wake();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  const when = (done: () => boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = () => {
        if (done()) resolve(received);
        else if (isClosed) reject(new Error(`closed after ${JSON.stringify(received.slice(0, 500))}`));
        else return;
        watchers.delete(look);
      };
      watchers.add(look);
      look();
    });
  return {
    socket,
    received: () => received,
    send: (text) => void socket.write(text),
    until: (pattern) => when(() => pattern.test(received)),
    closed: () => when(() => isClosed),
  };
}

/** Sends one text, waits for the other side to close and gives what it said. */
export async function exchange(port: number, text: string): Promise<string> {
  const client = await rawClient(port);
  client.send(text);
  return client.closed();
}
