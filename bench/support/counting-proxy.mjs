import { connect, createServer } from 'node:net';

/** A TCP proxy in front of `url` that counts the bytes that pass, each way. */
export async function startCountingProxy(scope, url) {
  const { hostname, port } = new URL(url);
  const counted = { up: 0, down: 0, connections: 0 };
  const sockets = new Set();
  const server = createServer((near) => {
    counted.connections += 1;
    const far = connect(Number(port), hostname);
    near.on('data', (chunk) => {
      counted.up += chunk.length;
    });
    far.on('data', (chunk) => {
      counted.down += chunk.length;
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => sockets.delete(one));
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.defer(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${server.address().port}`, counted };
}
