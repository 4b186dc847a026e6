import { connect, createServer } from 'node:net';

/** A TCP proxy in front of `url` that can be cut: then it swallows all that comes, from both sides, and says nothing. */
export async function startCuttableProxy(scope, url) {
  const { hostname, port } = new URL(url);
  const sockets = new Set();
  let swallows = false;
  const server = createServer((near) => {
    const far = swallows ? undefined : connect(Number(port), hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      if (one === undefined) continue;
      sockets.add(one);
      one.on('data', (chunk) => {
        if (!swallows) other?.write(chunk);
      });
      one.on('error', () => undefined);
      one.on('close', () => {
        sockets.delete(one);
        if (!swallows) other?.destroy();
      });
    }
  });
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.defer(() => {
    drop();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut() {
      swallows = true;
    },
    /** Whoever hangs on a dead connection finds out, and connects again. */
    heal() {
      swallows = false;
      drop();
    },
  };
}
