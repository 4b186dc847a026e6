import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SegmentId } from './segment-bytes.ts';

/** What happened, in the words of the oracle. */
export type Happening =
  /** A file holds the whole of its segment. */
  | { readonly type: 'file.whole'; readonly segment: SegmentId }
  /** It no longer does: emptied, removed, or written over. */
  | { readonly type: 'file.spoiled'; readonly segment: SegmentId; readonly how: string }
  /** A playlist that names these segments goes out. `post` counts; `move` is what the simulator was up to. */
  | {
      readonly type: 'announce';
      readonly post: number;
      readonly segments: readonly SegmentId[];
      readonly move: string;
    }
  /** The last byte of it was handed to the system. */
  | { readonly type: 'announce.sent'; readonly post: number }
  /** What was answered; status 0: nothing. */
  | { readonly type: 'ack'; readonly post: number; readonly status: number }
  | { readonly type: 'rec.start.req'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly type: 'rec.start.resp'; readonly id: string }
  | { readonly type: 'rec.stop.req'; readonly id: string }
  | { readonly type: 'rec.stop.resp'; readonly id: string }
  | { readonly type: 'fault.on'; readonly fault: string; readonly detail?: unknown }
  | { readonly type: 'fault.off'; readonly fault: string; readonly detail?: unknown };

/** `at`: milliseconds of the machine's monotonic clock; `wall`: epoch milliseconds. */
export type Event = Happening & { readonly at: number; readonly wall: number };

/** Milliseconds that never go back, the same for every process of this machine. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** All that happened, in order: one JSON line an event, on disk before `add` returns. It only grows. */
export class History implements Disposable {
  readonly #events: Event[] = [];
  readonly #file: number;

  /** @param path outside of whatever is hurt */
  constructor(readonly path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, 'a');
  }

  get events(): readonly Event[] {
    return this.#events;
  }

  add(happening: Happening): Event {
    const event = { at: monotonicMs(), wall: Date.now(), ...happening };
    writeSync(this.#file, `${JSON.stringify(event)}\n`);
    fsyncSync(this.#file);
    this.#events.push(event);
    return event;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** What an earlier run wrote. A last line without an end is left out. */
export const readHistory = (path: string): Event[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Event);
