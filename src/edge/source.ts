import type { Trouble } from '../media/error.ts';
import { MAIN } from '../media/name.ts';
import { type Bytes, bytes, type EpochMs, type Millis, millis } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Rendition } from './rendition.ts';
import type { Ledger } from './spool/ledger.ts';

/** A source that says nothing for this long, or three target durations if that is longer, is silent. */
const SILENT_AFTER = millis(10_000);

/** A source as its edge knows it. */
export class Source {
  ingestedBytes: Bytes = bytes(0);
  forwardedBytes: Bytes = bytes(0);
  /** When the newest segment ended. */
  lastSegmentAt: EpochMs | undefined;
  #trouble: Trouble | undefined;
  #takenInAt: Millis | undefined;
  readonly #renditions = new Map<string, Rendition>();

  constructor(
    readonly name: string,
    readonly ledger: Ledger,
    /** The newest number that an earlier process left; 0 when there is none. */
    readonly restoredThrough: number,
    private readonly clock: Clock,
  ) {}

  add(rendition: Rendition): void {
    this.#renditions.set(rendition.place.rendition, rendition);
  }

  rendition(name: string): Rendition | undefined {
    return this.#renditions.get(name);
  }

  get renditions(): Iterable<Rendition> {
    return this.#renditions.values();
  }

  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  inTrouble(trouble: Trouble): void {
    this.#trouble = trouble;
  }

  /** A segment that ended at `at` was taken in. */
  tookIn(at: EpochMs, size: Bytes): void {
    this.#trouble = undefined;
    this.#takenInAt = this.clock.monotonic();
    this.lastSegmentAt = at;
    this.ingestedBytes = bytes(this.ingestedBytes + size);
  }

  get targetDuration(): number {
    return this.rendition(MAIN)?.window.newest?.targetDuration ?? 0;
  }

  /** Whether its encoder sent something of late. */
  get sending(): boolean {
    if (this.#takenInAt === undefined) return false;
    return this.clock.monotonic() - this.#takenInAt <= Math.max(SILENT_AFTER, 3_000 * this.targetDuration);
  }
}
