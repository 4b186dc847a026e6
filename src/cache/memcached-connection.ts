import { createConnection, type Socket } from 'node:net';
import { KIB, type Millis, millis } from '../media/units.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { type Answer, AnswerReader } from './answer-reader.ts';
import { CacheFailure } from './segment-cache.ts';

/** One command and what is to come back. */
export type Exchange = {
  /** The key of a `get`; undefined for commands that are answered by one line. */
  readonly key: string | undefined;
  /** What is sent. Not copied: nobody may change it. */
  readonly parts: readonly Buffer[];
  /** Called once: with the value of a `get`, or the line that came. */
  readonly succeed: (answer: { readonly value: Buffer | undefined; readonly line: string }) => void;
  readonly fail: (failure: CacheFailure) => void;
};

type Options = {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  /** A connection on which something is awaited and no byte moves for this long is given up. */
  readonly stall: Millis;
  /** A longer answer is not believed. */
  readonly longestValue: number;
  /** Called once when the connection has ended; `failure` says why when it did not end idle. */
  readonly onEnd: (failure: CacheFailure | undefined) => void;
};

/** How many commands may be on the wire: enough to hide a round trip, few enough to throw away. */
const DEPTH = 8;
/** How much is written before it is looked at whether the server takes it. */
const STEP_BYTES = 512 * KIB;
const READ_BYTES = 256 * KIB;

/**
 * One connection to a memcached server. Commands are answered in their order; whatever does not fit this order
 * ends the connection, so an answer is never given to another command. Commands beyond `DEPTH` wait here and
 * can be taken back (`cancel`); one that was sent cannot, its answer is read and thrown away.
 */
export class MemcachedConnection {
  readonly #options: Options;
  readonly #socket: Socket;
  readonly #reader: AnswerReader;
  readonly #waiting: Exchange[] = [];
  readonly #onWire: Exchange[] = [];
  /** What of the commands on the wire is still to be written, in steps that are written at once. */
  readonly #steps: Buffer[][] = [];
  #writing = false;
  #value: Buffer | undefined;
  #progressAt: Millis;
  #watch: Timer | undefined;
  #ended = false;

  constructor(options: Options) {
    this.#options = options;
    this.#reader = new AnswerReader(options.longestValue);
    this.#progressAt = options.clock.monotonic();
    this.#socket = createConnection({
      host: options.host,
      port: options.port,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BYTES),
        callback: (size, buffer) => this.#read(size, buffer),
      },
    });
    this.#socket.on('error', (error) => this.#end(new CacheFailure('connection', error.message)));
    this.#socket.on('end', () =>
      this.#end(new CacheFailure('connection', 'the server ended the connection')),
    );
    this.#socket.on('close', () => this.#end(new CacheFailure('connection', 'the connection was closed')));
  }

  get ended(): boolean {
    return this.#ended;
  }

  send(exchange: Exchange): void {
    this.#waiting.push(exchange);
    this.#pump();
  }

  /** Takes a command back. False when it was sent already. */
  cancel(exchange: Exchange): boolean {
    const index = this.#waiting.indexOf(exchange);
    if (index < 0) return false;
    this.#waiting.splice(index, 1);
    return true;
  }

  /** Ends the connection; what is awaited fails. */
  destroy(failure: CacheFailure): void {
    this.#end(failure);
  }

  #pump(): void {
    if (this.#writing || this.#ended) return;
    if (this.#steps.length === 0) {
      const next = this.#onWire.length < DEPTH ? this.#waiting.shift() : undefined;
      if (next === undefined) return;
      this.#expectAnswer(next);
      this.#steps.push(...stepsOf(next.parts));
    }
    this.#write(this.#steps.shift()!);
  }

  /** One step in one write: the next follows when the system has taken it. */
  #write(step: readonly Buffer[]): void {
    this.#writing = true;
    const last = step.at(-1);
    this.#socket.cork();
    for (const part of step) {
      this.#socket.write(part, () => {
        if (part !== last) return;
        this.#writing = false;
        // That the system took bytes says something of the server only while they are what an answer waits for.
        if (this.#onWire.length === 1) this.#progress();
        this.#pump();
      });
    }
    this.#socket.uncork();
  }

  #read(size: number, buffer: Uint8Array): boolean {
    this.#progress();
    try {
      for (const answer of this.#reader.read(Buffer.from(buffer.buffer, buffer.byteOffset, size))) {
        if (this.#ended) break;
        this.#take(answer);
      }
    } catch (error) {
      if (!(error instanceof CacheFailure)) throw error;
      this.#end(error);
    }
    this.#pump();
    return !this.#ended;
  }

  #take(answer: Answer): void {
    const [exchange] = this.#onWire;
    if (answer.kind === 'value') {
      if (exchange?.key !== answer.key || this.#value !== undefined) {
        throw new CacheFailure('protocol', 'a value that was not asked for');
      }
      this.#value = answer.value;
      return;
    }
    const { line } = answer;
    const refused = line.startsWith('SERVER_ERROR');
    const fits =
      exchange !== undefined && (refused || (exchange.key !== undefined ? line === 'END' : isOutcome(line)));
    if (!fits) throw new CacheFailure('protocol', `the server said ${JSON.stringify(line.slice(0, 80))}`);
    const value = this.#value;
    this.#value = undefined;
    this.#onWire.shift();
    if (this.#onWire.length === 0) this.#watch?.cancel();
    exchange.succeed({ value, line });
  }

  #expectAnswer(exchange: Exchange): void {
    this.#onWire.push(exchange);
    if (this.#onWire.length > 1) return;
    this.#progress();
    this.#watchFor(this.#options.stall);
  }

  #progress(): void {
    this.#progressAt = this.#options.clock.monotonic();
  }

  #watchFor(wait: Millis): void {
    this.#watch = this.#options.clock.after(wait, () => {
      // Sockets are read between timers and immediates: a process that was busy itself finds what had come.
      setImmediate(() => this.#judge());
    });
  }

  #judge(): void {
    if (this.#ended || this.#onWire.length === 0) return;
    const still = this.#options.clock.monotonic() - this.#progressAt;
    if (still < this.#options.stall) this.#watchFor(millis(this.#options.stall - still));
    else this.#end(new CacheFailure('deadline', `nothing moved for ${Math.round(still)} ms`));
  }

  #end(failure: CacheFailure): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watch?.cancel();
    this.#socket.destroy();
    const left = [...this.#onWire.splice(0), ...this.#waiting.splice(0)];
    this.#steps.length = 0;
    this.#value = undefined;
    this.#options.onEnd(left.length > 0 || failure.reason === 'protocol' ? failure : undefined);
    for (const exchange of left) exchange.fail(failure);
  }
}

/** Outcomes of the commands that are answered by one line; anything else is not understood. */
const isOutcome = (line: string): boolean => /^(STORED|NOT_STORED|TOUCHED|NOT_FOUND|VERSION .*)$/.test(line);

/** Groups parts, cut where they are long, into steps of some `STEP_BYTES`. */
function stepsOf(parts: readonly Buffer[]): Buffer[][] {
  const steps: Buffer[][] = [];
  let step: Buffer[] = [];
  let room = STEP_BYTES;
  for (const part of parts) {
    for (let from = 0; from < part.length; ) {
      const slice = part.subarray(from, from + room);
      step.push(slice);
      from += slice.length;
      room -= slice.length;
      if (room > 0) continue;
      steps.push(step);
      step = [];
      room = STEP_BYTES;
    }
  }
  if (step.length > 0) steps.push(step);
  return steps;
}
