import { withOnly } from '../hls/render-multivariant.ts';
import type { Trouble } from '../media/error.ts';
import { endOf } from '../media/span.ts';
import { type Bytes, bytes, type EpochMs, epochMs, type Millis, millis } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Floor } from '../wire/link-messages.ts';
import type { Rendition } from './rendition.ts';
import type { RenditionNames } from './rendition-names.ts';
import { Runs } from './runs.ts';
import type { Ledger } from './spool/ledger.ts';

/** A source that says nothing for this long, or three target durations if that is longer, is silent. */
const SILENT_AFTER = millis(10_000);

/** Segments of a rendition, after which the others should have come. */
const WELL_UNDER_WAY = 4;

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
  /** What is wrong with it although it is taken in: a sound that no player knows. */
  lasting: Trouble | undefined;
  #trouble: Trouble | undefined;
  #served: { readonly key: string; readonly text: string } | undefined;
  readonly runs: Runs;
  readonly #knownSince: Millis;
  readonly #renditions = new Map<string, Rendition>();
  readonly #listeners = new Set<(rendition: Rendition) => void>();

  /** @param restored what an earlier process left of it */
  constructor(
    readonly name: string,
    readonly ledger: Ledger,
    /** What its renditions are called. */
    readonly names: RenditionNames,
    restored: readonly Rendition[],
    private readonly clock: Clock,
  ) {
    this.#knownSince = clock.monotonic();
    for (const rendition of restored) this.#renditions.set(rendition.name, rendition);
    this.runs = new Runs(ledger, { [Symbol.iterator]: () => this.#renditions.values() });
    this.runs.restore();
  }

  add(rendition: Rendition): void {
    this.#renditions.set(rendition.name, rendition);
    for (const listener of this.#listeners) listener(rendition);
  }

  /** Calls back for each rendition it has, and for each that appears. */
  eachRendition(listener: (rendition: Rendition) => void): void {
    this.#listeners.add(listener);
    for (const rendition of this.#renditions.values()) listener(rendition);
  }

  /** The playlist that names its renditions, as viewers get it; undefined where it has but one. */
  get multivariant(): string | undefined {
    const { multivariant } = this.names;
    if (multivariant === undefined) return undefined;
    const missing = this.#missing;
    const key = `${missing.join()} ${multivariant}`;
    if (this.#served?.key !== key) {
      const text = withOnly(multivariant, (uri) => !missing.includes(uri.replace(/\.m3u8$/, '')));
      this.#served = { key, text: text ?? multivariant };
    }
    return this.#served.text;
  }

  /** Renditions that are named and of which nothing came although others are well under way: ffmpeg does not post its subtitles. */
  get #missing(): readonly string[] {
    const lengths = [...this.#renditions.values()].map(({ window }) => window.records.length);
    if (Math.max(0, ...lengths) < WELL_UNDER_WAY) return [];
    return this.names.all.filter((name) => this.#renditions.get(name)?.window.newest === undefined);
  }

  rendition(name: string): Rendition | undefined {
    return this.#renditions.get(name);
  }

  get renditions(): Iterable<Rendition> {
    return this.#renditions.values();
  }

  /** What the operator wrote last is told first: until it is mended, all else may be of what was meant to end. */
  get trouble(): Trouble | undefined {
    return this.fault ?? this.#trouble ?? this.lasting;
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
  tookIn(rendition: Rendition, at: EpochMs, size: Bytes): void {
    this.#trouble = undefined;
    rendition.takenInAt = this.clock.monotonic();
    this.lastSegmentAt = epochMs(Math.max(at, this.lastSegmentAt ?? 0));
    this.ingestedBytes = bytes(this.ingestedBytes + size);
  }

  get targetDuration(): number {
    const newest = [...this.#renditions.values()].map(({ window }) => window.newest?.targetDuration ?? 0);
    return Math.max(0, ...newest);
  }

  /** Whether its encoder sent something of late. */
  get sending(): boolean {
    const newest = Math.max(...[...this.#renditions.values()].map(({ takenInAt }) => takenInAt ?? -Infinity));
    return this.clock.monotonic() - newest <= this.#silentAfter;
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
  #settledOf({ keep, window, takenInAt }: Rendition): EpochMs {
    for (const record of keep.unsettled(window.records)) return record.at;
    const { newest } = window;
    const end = newest === undefined ? 0 : endOf(newest);
    return epochMs(Math.max(end, this.#silentUntil(takenInAt)));
  }

  /** Up to when an encoder that says nothing of a rendition has made nothing. After a start of the edge it is given time to come back. */
  #silentUntil(takenInAt: Millis | undefined): number {
    // What is being taken in was announced before now, and may lie before all that is known.
    if ([...this.#renditions.values()].some(({ queue }) => queue.isBusy)) return 0;
    const quietFor = this.clock.monotonic() - (takenInAt ?? this.#knownSince);
    return quietFor <= this.#silentAfter ? 0 : this.clock.now() - this.#silentAfter;
  }

  get #silentAfter(): number {
    return Math.max(SILENT_AFTER, 3_000 * this.targetDuration);
  }
}
