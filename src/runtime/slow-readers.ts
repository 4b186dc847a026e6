import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Millis } from '../media/units.ts';
import type { Clock, Timer } from './clock.ts';
import type { HttpLimits } from './http-limits.ts';
import { bytesTaken, currentResponse, inodeOf, unacknowledgedBytes } from './socket-progress.ts';

/** How far a reader was at a moment. */
type Mark = { readonly at: Millis; readonly taken: number; acknowledged: number | undefined };

export type SlowReadersOptions = {
  readonly clock: Clock;
  readonly limits: Pick<HttpLimits, 'stalled' | 'stalledBytes' | 'sweepEvery' | 'response'>;
  /** The connections to look at. */
  readonly sockets: Iterable<Socket>;
  /** Called before the connection is destroyed. */
  readonly cut: (socket: Socket, why: 'stalled' | 'long') => void;
  readonly mayTakeLong?: ((request: IncomingMessage) => boolean) | undefined;
};

/**
 * Cuts readers that stand still while bytes wait for them: Node has no deadline for sending. Nothing is done per
 * request; the open connections are looked at every few seconds.
 */
export class SlowReaders {
  readonly #options: SlowReadersOptions;
  readonly #marks = new WeakMap<Socket, Mark>();
  readonly #firstSeen = new WeakMap<ServerResponse, Millis>();
  readonly #timer: Timer;
  #sweeping = false;

  constructor(options: SlowReadersOptions) {
    this.#options = options;
    this.#timer = options.clock.every(options.limits.sweepEvery, () => void this.sweep());
  }

  stop(): void {
    this.#timer.cancel();
  }

  /** Looks at every connection once. */
  async sweep(): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    try {
      const suspects = this.#suspects();
      if (suspects.length > 0) this.#judge(suspects, await unacknowledgedBytes());
    } finally {
      this.#sweeping = false;
    }
  }

  /** The connections whose pending bytes the kernel has not taken more of since they were marked. */
  #suspects(): Socket[] {
    const { clock, limits, sockets } = this.#options;
    const suspects: Socket[] = [];
    for (const socket of sockets) {
      if (socket.writableLength === 0) {
        this.#marks.delete(socket);
        continue;
      }
      if (this.#isLong(socket)) {
        this.#cut(socket, 'long');
        continue;
      }
      const mark = this.#marks.get(socket);
      const taken = bytesTaken(socket);
      if (mark !== undefined && taken - mark.taken < limits.stalledBytes) suspects.push(socket);
      else this.#marks.set(socket, { at: clock.monotonic(), taken, acknowledged: undefined });
    }
    return suspects;
  }

  #judge(suspects: readonly Socket[], unacknowledged: ReadonlyMap<number, number>): void {
    const { clock, limits } = this.#options;
    const now = clock.monotonic();
    for (const socket of suspects) {
      const mark = this.#marks.get(socket);
      if (mark === undefined || socket.destroyed || socket.writableLength === 0) continue;
      const taken = bytesTaken(socket);
      const queue = unacknowledged.get(inodeOf(socket) ?? -1);
      const acknowledged = queue === undefined ? undefined : taken - queue;
      mark.acknowledged ??= acknowledged;
      const moved = (acknowledged ?? 0) - (mark.acknowledged ?? 0);
      if (moved >= limits.stalledBytes) this.#marks.set(socket, { at: now, taken, acknowledged });
      else if (now - mark.at >= limits.stalled) this.#cut(socket, 'stalled');
    }
  }

  /** Whether the response under way has been so for too long. It is dated from the first sweep that saw it. */
  #isLong(socket: Socket): boolean {
    const { clock, limits, mayTakeLong } = this.#options;
    const response = currentResponse(socket);
    if (limits.response === 0 || response === undefined) return false;
    const since = this.#firstSeen.get(response);
    if (since === undefined) this.#firstSeen.set(response, clock.monotonic());
    else if (clock.monotonic() - since >= limits.response) return !mayTakeLong?.(response.req);
    return false;
  }

  #cut(socket: Socket, why: 'stalled' | 'long'): void {
    this.#marks.delete(socket);
    this.#options.cut(socket, why);
    socket.destroy();
  }
}
