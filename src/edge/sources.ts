import { LiveMixError, type Trouble } from '../media/error.ts';
import { MAIN } from '../media/name.ts';
import type { SegmentRecord } from '../media/segment-record.ts';
import type { Span } from '../media/span.ts';
import { type Bytes, type EpochMs, epochMs, type Seconds } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import type { EdgeEvents } from './events.ts';
import { Rendition } from './rendition.ts';
import { RenditionNames } from './rendition-names.ts';
import { Source } from './source.ts';
import { Keep } from './spool/keep.ts';
import { areSame, KeepFile } from './spool/keep-file.ts';
import { Ledger } from './spool/ledger.ts';
import { type Place, Spool } from './spool/spool.ts';

export type SourcesSettings = {
  readonly windowDuration: Seconds;
  readonly maxSpoolBytes: Bytes;
  readonly maxSources: number;
};

/** Renditions of one source: as many as a multivariant playlist may name (threats T5). */
const MAX_RENDITIONS = 64;
/** Of all sources of an edge together, for each source it takes. */
const RENDITIONS_PER_SOURCE = 4;
/** Refused names that are shown. */
const MAX_REFUSED = 16;

/** All sources of an edge, and the room their segments share. */
export class Sources {
  readonly #sources = new Map<string, Source>();
  readonly #opening = new Map<string, Promise<Source>>();
  readonly #listeners = new Set<(source: Source) => void>();
  /** Sources that were refused before they sent a segment: they are shown, they own no numbers. */
  readonly #refused = new Map<string, Trouble>();

  private constructor(
    readonly spool: Spool,
    private readonly keepFile: KeepFile,
    private readonly settings: SourcesSettings,
    private readonly boot: string,
    private readonly clock: Clock,
    private readonly events: EdgeEvents,
  ) {}

  /** Opens the spool and brings back what an earlier process left. */
  static async open(
    folder: string,
    settings: SourcesSettings,
    boot: string,
    clock: Clock,
    events: EdgeEvents,
  ): Promise<Sources> {
    const spool = await Spool.open(folder, events);
    const keepFile = await KeepFile.open(spool.keepFile);
    const sources = new Sources(spool, keepFile, settings, boot, clock, events);
    const left = new Map<string, Rendition[]>();
    for await (const { records, ...place } of spool.recover()) {
      const rendition = sources.#restored(place, records);
      left.set(place.source, [...(left.get(place.source) ?? []), rendition]);
    }
    for (const [name, renditions] of left) await sources.#create(name, renditions);
    // What is wanted of a source that has nothing left is still wanted when its encoder comes back.
    for (const source of keepFile.sources) await sources.open(source);
    sources.keepWithinBounds();
    return sources;
  }

  get all(): Iterable<Source> {
    return this.#sources.values();
  }

  /** How much of each rendition is kept. */
  get windowDuration(): Seconds {
    return this.settings.windowDuration;
  }

  /** Names that were refused, and why. */
  get refused(): ReadonlyMap<string, Trouble> {
    return this.#refused;
  }

  find(name: string): Source | undefined {
    return this.#sources.get(name);
  }

  /** Calls back for each source that appears. */
  onAppear(listener: (source: Source) => void): void {
    this.#listeners.add(listener);
  }

  /** The source of that name; a new one begins with it. */
  async open(name: string): Promise<Source> {
    const known = this.#sources.get(name) ?? this.#opening.get(name);
    if (known !== undefined) return known;
    this.#refuseTooMany();
    const opening = this.#create(name, []).finally(() => this.#opening.delete(name));
    this.#opening.set(name, opening);
    return opening;
  }

  /** What an encoder sent could not be taken in: the source is shown with its trouble, known or not. */
  inTrouble(name: string, trouble: Trouble): void {
    const source = this.#sources.get(name);
    if (source !== undefined) source.inTrouble(trouble);
    else {
      this.#refused.delete(name);
      this.#refused.set(name, trouble);
      // The oldest of them goes: names that are only refused must not keep good sources out.
      for (const oldest of this.#refused.keys()) {
        if (this.#refused.size <= MAX_REFUSED) break;
        this.#refused.delete(oldest);
      }
    }
  }

  /** How the source is configured is wrong; undefined: no longer. It is shown with it, known or not. */
  setFault(name: string, trouble: Trouble | undefined): void {
    const source = this.#sources.get(name);
    if (source !== undefined) source.fault = trouble;
    else if (trouble !== undefined) this.inTrouble(name, trouble);
    else this.#refused.delete(name);
  }

  /** Lets the oldest media of all go until the spool fits its bound. */
  keepWithinBounds(): void {
    while (this.spool.bytes > this.settings.maxSpoolBytes && this.freeOldest());
  }

  /** Lets the oldest segment of all go that nobody wants; false when there is none but the newest ones. */
  freeOldest(): boolean {
    let oldest: Rendition | undefined;
    let oldestAt = Number.POSITIVE_INFINITY;
    for (const source of this.#sources.values()) {
      for (const rendition of source.renditions) {
        const at = rendition.oldestFree;
        if (at === undefined || at >= oldestAt) continue;
        oldest = rendition;
        oldestAt = at;
      }
    }
    const record = oldest?.freeOldest();
    if (oldest === undefined || record === undefined) return false;
    this.spool.drop(oldest.place, record);
    return true;
  }

  /** Whether the spool is over its bound although nothing is left that may go: recordings wait for control. */
  get isFull(): boolean {
    return this.spool.bytes > this.settings.maxSpoolBytes && this.backlogBytes > 0;
  }

  /** Bytes that recordings wait for. */
  get backlogBytes(): number {
    let sum = 0;
    for (const source of this.#sources.values()) sum += source.backlogBytes;
    return sum;
  }

  /**
   * What recordings want of a source, known or not, until told otherwise. Durable when it resolves. False when
   * that was known.
   */
  async keep(name: string, spans: readonly Span[]): Promise<boolean> {
    if (spans.length === 0 && this.#sources.get(name) === undefined) return false;
    const source = await this.open(name);
    // Held from now on: a disk that is full or slow must not cost what leaves the window meanwhile.
    for (const { keep, place } of source.renditions) {
      if (areSame(keep.spans, spans)) continue;
      for (const record of keep.setSpans(spans)) this.spool.drop(place, record);
    }
    if (!(await this.keepFile.set(name, spans))) return false;
    this.events.keepChanged(name, spans.length);
    return true;
  }

  /** A link has opened: what was stored before is asked for anew. */
  askAgain(): void {
    for (const source of this.#sources.values()) for (const { keep } of source.renditions) keep.askAgain();
  }

  /** Segments are stored, or their loss is: their bytes may go where only recordings held them. */
  settle(rendition: Rendition, sequences: readonly number[]): void {
    for (const sequence of sequences) {
      const held = rendition.keep.settle(sequence);
      if (held !== undefined) this.spool.drop(rendition.place, held);
    }
  }

  /** An orderly end. */
  async close(): Promise<void> {
    await Promise.all([...this.#sources.values()].map((source) => source.ledger.close()));
    await this.spool.isAlive(this.clock.now());
  }

  #refuseTooMany(): void {
    if (this.#sources.size + this.#opening.size < this.settings.maxSources) return;
    throw new LiveMixError('too_many_sources', `This edge takes ${this.settings.maxSources} sources.`, {
      retryAfter: 1,
    });
  }

  /** A rendition of a source; a new one begins with it. Throws `too_many_renditions`. */
  rendition(source: Source, name: string): Rendition {
    const known = source.rendition(name);
    if (known !== undefined) return known;
    let all = 0;
    for (const { renditions } of this.#sources.values()) all += [...renditions].length;
    const own = [...source.renditions].length;
    if (own >= MAX_RENDITIONS || all >= this.settings.maxSources * RENDITIONS_PER_SOURCE) {
      throw new LiveMixError('too_many_renditions', `The source has ${own} renditions, this edge ${all}.`);
    }
    // Nothing of it was ever announced, so nothing of it was let go.
    const rendition = this.#rendition({ source: source.name, rendition: name }, epochMs(0));
    source.add(rendition);
    return rendition;
  }

  async #create(name: string, restored: readonly Rendition[]): Promise<Source> {
    const { clock, spool } = this;
    const newest = restored
      .flatMap(({ window }) => window.newest ?? [])
      .reduce<SegmentRecord | undefined>(newestOf, undefined);
    const ledger = await Ledger.open(spool.stateFile('ledgers', name), this.boot, newest, clock.now());
    const names = await RenditionNames.open(spool.stateFile('renditions', name));
    const source = new Source(name, ledger, names, restored, clock);
    source.lastSegmentAt = newest?.at;
    if (restored.length === 0) {
      const letGoUntil = ledger.isNew ? epochMs(0) : clock.now();
      source.add(this.#rendition({ source: name, rendition: MAIN }, letGoUntil));
    }
    this.#sources.set(name, source);
    this.#refused.delete(name);
    for (const listener of this.#listeners) listener(source);
    this.events.sourceAppeared(name);
    return source;
  }

  #rendition(place: Place, letGoUntil: EpochMs): Rendition {
    const keep = new Keep(this.keepFile.of(place.source), letGoUntil);
    return new Rendition(place, this.settings.windowDuration, keep);
  }

  #restored(place: Place, records: readonly SegmentRecord[]): Rendition {
    const rendition = this.#rendition(place, records[0]?.at ?? this.clock.now());
    for (const fallen of rendition.restore(records)) this.spool.drop(place, fallen);
    rendition.wasWatchedUntil = this.spool.aliveUntil;
    this.events.spoolRecovered(place, records.length);
    return rendition;
  }
}

/** The newer record, with the higher discontinuity sequence of both. */
function newestOf(some: SegmentRecord | undefined, other: SegmentRecord): SegmentRecord {
  if (some === undefined) return other;
  const newer = some.sequence > other.sequence ? some : other;
  const discontinuitySequence = Math.max(some.discontinuitySequence, other.discontinuitySequence);
  return { ...newer, discontinuitySequence };
}
