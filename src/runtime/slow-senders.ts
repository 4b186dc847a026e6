import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Millis } from '../media/units.ts';
import type { Clock, Timer } from './clock.ts';
import type { HttpLimits } from './http-limits.ts';

/** A body that is coming: since when, and how far its connection was when it last moved. */
type Coming = { readonly since: Millis; movedAt: Millis; bytesRead: number };

export type SlowSendersOptions = {
  readonly clock: Clock;
  readonly limits: Pick<HttpLimits, 'request' | 'checkEvery'>;
  /** Called once for a request whose body is late. */
  readonly cut: (socket: Socket) => void;
  readonly mayFlow?: ((request: IncomingMessage) => boolean) | undefined;
};

/**
 * Cuts requests whose body does not come to its end in time. Node has such a deadline, too, but one for all requests alike:
 * the body of some goes on for as long as a stream does, and they are late only when nothing comes.
 */
export class SlowSenders {
  readonly #options: SlowSendersOptions;
  readonly #coming = new Map<IncomingMessage, Coming>();
  readonly #timer: Timer;

  constructor(options: SlowSendersOptions) {
    this.#options = options;
    this.#timer = options.clock.every(options.limits.checkEvery, () => this.sweep());
  }

  stop(): void {
    this.#timer.cancel();
  }

  /** Watches a request from its header on. One without a body has come already. */
  watch(request: IncomingMessage): void {
    const { headers, socket } = request;
    if (headers['transfer-encoding'] === undefined && !(Number(headers['content-length'] ?? 0) > 0)) return;
    const now = this.#options.clock.monotonic();
    this.#coming.set(request, { since: now, movedAt: now, bytesRead: socket.bytesRead });
    const come = () => void this.#coming.delete(request);
    request.once('end', come);
    request.once('close', come);
  }

  /** Looks at every body once. */
  sweep(): void {
    const { clock, limits, mayFlow, cut } = this.#options;
    const now = clock.monotonic();
    for (const [request, coming] of this.#coming) {
      const { bytesRead } = request.socket;
      if (bytesRead !== coming.bytesRead) Object.assign(coming, { movedAt: now, bytesRead });
      if (request.complete || now - coming.since < limits.request) continue;
      if (now - coming.movedAt < limits.request && mayFlow?.(request) === true) continue;
      this.#coming.delete(request);
      cut(request.socket);
    }
  }
}
