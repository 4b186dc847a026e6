import { open } from 'node:fs/promises';
import { connect, createServer } from 'node:net';

/**
 * A Unix socket in a folder that answers as long as its process lives: the one sign of life that reaches from one
 * container to another through a shared folder. It is bound through the folder's descriptor, since a socket's path
 * may have 107 bytes at most.
 */
export async function showLife(folder: string, name: string): Promise<{ end(): Promise<void> }> {
  const directory = await open(folder);
  const server = createServer((socket) => socket.destroy());
  server.unref();
  const listening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)); // A file system without sockets.
    server.listen(`/proc/self/fd/${directory.fd}/${name}`, () => resolve(true));
  });
  return {
    async end() {
      if (listening) await new Promise<void>((resolve) => server.close(() => resolve()));
      await directory.close();
    },
  };
}

/** Whether the process that showed life under this name is still there. */
export async function showsLife(folder: string, name: string): Promise<boolean> {
  const directory = await open(folder);
  try {
    return await new Promise<boolean>((resolve) => {
      const socket = connect(`/proc/self/fd/${directory.fd}/${name}`);
      socket.once('error', () => resolve(false));
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
    });
  } finally {
    await directory.close();
  }
}
