import type { Trouble } from '../media/error.ts';
import { MAIN } from '../media/name.ts';
import { endOf } from '../media/span.ts';
import { type Bytes, bytes, type EpochMs, epochMs, type Millis, millis } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Floor } from '../wire/link-messages.ts';
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
  /** Its edge would bring it in at once, if anybody wanted it. */
  standsBy = false;
  /** Its edge pulls it: nobody may push it at the same time. */
  isPulled = false;
  /** What is wrong with how it is configured. */
  fault: Trouble | undefined;
  #trouble: Trouble | undefined;
  #takenInAt: Millis | undefined;
  readonly #knownSince: Millis;
  readonly #renditions = new Map<string, Rendition>();

  constructor(
    readonly name: string,
    readonly ledger: Ledger,
    /** The newest number that an earlier process left; 0 when there is none. */
    readonly restoredThrough: number,
    private readonly clock: Clock,
  ) {
    this.#knownSince = clock.monotonic();
  }

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
    return this.#trouble ?? this.fault;
  }

  inTrouble(trouble: Trouble): void {
    this.#trouble = trouble;
  }

  /** Trouble of that kind is over. */
  outOfTrouble(isOver: (code: string) => boolean): void {
    if (this.#trouble !== undefined && isOver(this.#trouble.code)) this.#trouble = undefined;
  }

  /** Nobody wants it, and its edge has stopped bringing it in: what it had is no longer live, what comes is another run. */
  rest(): void {
    for (const rendition of this.#renditions.values()) rendition.rest();
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
    return this.clock.monotonic() - this.#takenInAt <= this.#silentAfter;
  }

  /** All that recordings want of it and that begins before this moment is settled. */
  get settledUntil(): EpochMs {
    return epochMs(
      Math.min(...[...this.#renditions.values()].map((rendition) => this.#settledOf(rendition))),
    );
  }

  /** All that was announced since this moment is held; 0 when nothing was ever let go. */
  get reach(): EpochMs {
    return epochMs(Math.max(...[...this.#renditions.values()].map(({ keep }) => keep.reach)));
  }

  /** Numbers are told below which an earlier spool has published: what it had is not here. */
  async followsAnother(floor: Floor): Promise<void> {
    await this.ledger.raiseFloor(floor);
    if (floor.sequence === 0) return;
    for (const { keep, window } of this.#renditions.values())
      keep.beganAt(window.oldest?.at ?? this.clock.now());
  }

  /** Bytes that recordings wait for. */
  get backlogBytes(): Bytes {
    let sum = 0;
    for (const { keep, window } of this.#renditions.values()) sum += keep.backlog(window.records);
    return bytes(sum);
  }

  /** Up to the oldest segment that is not settled; where all are, up to where nothing more can come. */
  #settledOf({ keep, window }: Rendition): EpochMs {
    for (const record of keep.unsettled(window.records)) return record.at;
    const { newest } = window;
    const end = newest === undefined ? 0 : endOf(newest);
    return epochMs(Math.max(end, this.#silentUntil));
  }

  /** Up to when an encoder that says nothing has made nothing. After a start of the edge it is given time to come back. */
  get #silentUntil(): number {
    const quietFor = this.clock.monotonic() - (this.#takenInAt ?? this.#knownSince);
    return quietFor <= this.#silentAfter ? 0 : this.clock.now() - this.#silentAfter;
  }

  get #silentAfter(): number {
    return Math.max(SILENT_AFTER, 3_000 * this.targetDuration);
  }
}
