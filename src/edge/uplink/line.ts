import { Transform } from 'node:stream';
import { type Bytes, type Millis, millis } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';

/**
 * The uplink that all renditions share: live before recordings, and recordings within a rate, where one is set.
 * What live sends counts towards the rate, but never waits for it.
 */
export class Line {
  #live = 0;
  readonly #waiting = new Set<() => void>();
  /** When the line has sent all that was put on it so far, at its rate. */
  #busyUntil: Millis;

  constructor(
    private readonly clock: Clock,
    /** Bytes a second; undefined: as fast as it goes. */
    private readonly rate: Bytes | undefined,
  ) {
    this.#busyUntil = clock.monotonic();
  }

  /** Sends something of live. */
  async live<T>(size: number, send: () => Promise<T>): Promise<T> {
    this.#live += 1;
    this.#charge(size);
    try {
      return await send();
    } finally {
      this.#live -= 1;
      if (this.#live === 0) for (const go of [...this.#waiting]) go();
    }
  }

  /** Resolves when live sends nothing, or when the signal aborts. */
  async free(signal: AbortSignal): Promise<void> {
    while (this.#live > 0 && !signal.aborted) {
      await new Promise<void>((go) => {
        const done = () => {
          this.#waiting.delete(done);
          signal.removeEventListener('abort', done);
          go();
        };
        this.#waiting.add(done);
        signal.addEventListener('abort', done, { once: true });
      });
    }
  }

  /** Lets bytes of recordings pass within the rate; undefined where there is none. */
  throttle(signal: AbortSignal): Transform | undefined {
    if (this.rate === undefined) return undefined;
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        const wait = this.#charge(chunk.length);
        void this.clock.sleep(wait, signal).then(() => done(null, chunk));
      },
    });
  }

  /** How long to wait so that what was sent before fits the rate. */
  #charge(size: number): Millis {
    if (this.rate === undefined) return millis(0);
    const now = this.clock.monotonic();
    const wait = Math.max(0, this.#busyUntil - now);
    this.#busyUntil = millis(now + wait + (1000 * size) / this.rate);
    return millis(wait);
  }
}
