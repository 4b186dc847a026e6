import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Millis } from '../media/units.ts';
import type { Clock } from './clock.ts';
import { currentResponse } from './socket-progress.ts';

/**
 * Ends a server: no new connections; idle and upgraded ones go at once; those with a response under way when it is
 * out or when `grace` is over. Resolves when the last has gone.
 */
export async function closeHttpServer(parts: {
  readonly server: Server;
  readonly sockets: ReadonlySet<Socket>;
  readonly upgraded: ReadonlySet<Socket>;
  readonly clock: Clock;
  readonly grace: Millis;
}): Promise<void> {
  const { server, sockets, upgraded, clock, grace } = parts;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of upgraded) socket.destroy();
  for (const socket of sockets) endWhenIdle(socket);
  const destroyAll = () => {
    for (const socket of [...sockets, ...upgraded]) socket.destroy();
  };
  if (grace <= 0) destroyAll();
  const timer = clock.after(grace, destroyAll);
  await closed;
  timer.cancel();
}

/** Node's own `closeIdleConnections` leaves those open that have sent nothing yet. */
function endWhenIdle(socket: Socket): void {
  const response = currentResponse(socket);
  if (response === undefined) socket.destroySoon();
  else response.once('close', () => endWhenIdle(socket));
}
