import { LRUCache } from 'lru-cache';
import { LiveWindow } from '../media/live-window.ts';
import type { EncoderSegment, SegmentRecord } from '../media/segment-record.ts';
import type { EpochMs, Millis, Seconds } from '../media/units.ts';
import { SerialQueue } from '../runtime/serial-queue.ts';
import type { Known } from './ingest/fresh-segments.ts';
import { Rivals } from './ingest/rivals.ts';
import type { Keep } from './spool/keep.ts';
import type { Place } from './spool/spool.ts';

/** Playlists of one rendition that may wait for the one that is being taken in. */
const MAX_WAITING_PLAYLISTS = 64;

/** Init sections and keys that are remembered. With new keys all the time there would be ever more of them. */
const MAX_NEEDED = 64;

/** One life of an encoder: number = base + the encoder's own. */
type Run = {
  readonly base: number;
  newest: number;
  readonly segments: Map<number, EncoderSegment>;
  ended: boolean;
};

/** A rendition of a source as its edge knows it: the window, and what the encoder called what is in it. */
export class Rendition {
  readonly window: LiveWindow;
  /** Whether two encoders push it. */
  readonly rivals = new Rivals();
  /** Playlists are taken in one after the other. */
  readonly queue = new SerialQueue(MAX_WAITING_PLAYLISTS);
  /** Init sections and keys of this run that cannot be read again for nothing, by what its playlists call them: the last ones. */
  readonly needed = new LRUCache<string, Buffer>({ max: MAX_NEEDED });
  /** Which of its source's runs it is in; 0 before the first. */
  runOrdinal = 0;
  /** The newest number that an earlier process left; 0 when there is none. */
  restoredThrough = 0;
  /** Until when that process was there, as far as is known. */
  wasWatchedUntil: EpochMs | undefined;
  /** When the newest segment was taken in; undefined while none was. */
  takenInAt: Millis | undefined;
  #run: Run | undefined;
  #restedThrough = 0;
  #staleInARow = 0;
  #staleThrough = 0;
  #newestModifiedAt = 0;
  readonly #taken = new Map<string, number>();
  readonly #listeners = new Set<() => void>();

  constructor(
    readonly place: Place,
    windowDuration: Seconds,
    /** What recordings want of it. */
    readonly keep: Keep,
  ) {
    this.window = new LiveWindow(windowDuration);
  }

  /** Brings back what an earlier process left, the run included. Returns what no longer fits and nobody wants. */
  restore(records: readonly SegmentRecord[]): readonly SegmentRecord[] {
    const fallen = records
      .flatMap((record) => this.window.push(record))
      .filter((record) => this.keep.leftWindow(record));
    for (const record of this.window.records) this.#remember(record);
    const newest = this.window.newest;
    if (newest === undefined) return fallen;
    this.restoredThrough = newest.sequence;
    const base = newest.sequence - newest.encoder.sequence;
    const ofRun = this.window.records.filter((record) => record.sequence - record.encoder.sequence === base);
    this.#run = {
      base,
      newest: newest.encoder.sequence,
      segments: new Map(ofRun.map((record) => [record.encoder.sequence, record.encoder])),
      ended: false,
    };
    return fallen;
  }

  /** What is known when a playlist comes in; `runGoesOn` is false when numbers cannot follow the newest ones. */
  known(runGoesOn: boolean): Known {
    return {
      ...(runGoesOn && this.#run !== undefined && { run: this.#run }),
      wasTaken: (name, sighting) => this.wasTaken(name, sighting),
      newestModifiedAt: this.#newestModifiedAt,
      staleInARow: this.#staleInARow,
    };
  }

  /** An encoder's life begins: its segment `encoderSequence` gets the number `sequence`. `ordinal`: which run of the source that is. */
  openRun(sequence: number, encoderSequence: number, ordinal: number): void {
    this.runOrdinal = ordinal;
    this.#run = {
      base: sequence - encoderSequence,
      newest: encoderSequence - 1,
      segments: new Map(),
      ended: false,
    };
    this.#staleInARow = 0;
  }

  /** Whether these bytes, as far as can be seen from outside, came already under that name. */
  wasTaken(
    name: string,
    { bytes, modifiedAt }: { readonly bytes: number; readonly modifiedAt: number },
  ): boolean {
    return this.#taken.has(takenKey(name, bytes, modifiedAt));
  }

  /** A file of many segments was begun anew: what lay at a place in it proves nothing any more. */
  forgetFile(uri: string): void {
    for (const key of this.#taken.keys()) if (key.startsWith(`${uri}#`)) this.#taken.delete(key);
  }

  /** What the run adds to an encoder's numbers; undefined before the first. */
  get base(): number | undefined {
    return this.#run?.base;
  }

  get name(): string {
    return this.place.rendition;
  }

  /** The number of an encoder's segment. A run must be open. */
  numberOf(encoderSequence: number): number {
    return this.#run!.base + encoderSequence;
  }

  /** The encoder said ENDLIST: what it sends next is another run. */
  endRun(): void {
    if (this.#run !== undefined) this.#run.ended = true;
  }

  /** It is no longer brought in: nothing that it has so far is shown live any more. */
  rest(): void {
    this.endRun();
    this.#restedThrough = this.window.newest?.sequence ?? 0;
  }

  /** The records that live may show, from this number on. */
  liveFrom(sequence: number): readonly SegmentRecord[] {
    return this.window.from(Math.max(sequence, this.#restedThrough + 1));
  }

  /** A playlist that ends with `newest` was held for an old one. The same again proves nothing. */
  sawStalePlaylist(newest: number): void {
    if (this.#staleInARow > 0 && newest <= this.#staleThrough) return;
    this.#staleInARow += 1;
    this.#staleThrough = newest;
  }

  sawFreshPlaylist(): void {
    this.#staleInARow = 0;
  }

  /** Adds the newest record and tells those who follow. Returns what fell out of the window and nobody wants. */
  push(record: SegmentRecord): readonly SegmentRecord[] {
    const fallen = this.window.push(record);
    const run = this.#run;
    if (run !== undefined) {
      run.newest = record.encoder.sequence;
      run.segments.set(record.encoder.sequence, record.encoder);
    }
    this.#remember(record);
    for (const old of fallen) this.#forget(old);
    for (const listener of this.#listeners) listener();
    return fallen.filter((old) => this.keep.leftWindow(old));
  }

  /** When the oldest segment begins that may be let go to free room; undefined when only the newest one is left, or all are wanted. */
  get oldestFree(): EpochMs | undefined {
    if (this.keep.spans.length === 0 && this.window.records.length > 1) return this.window.oldest!.at;
    return this.window.records.slice(0, -1).find((record) => !this.keep.wants(record))?.at;
  }

  /** Lets the oldest segment that nobody wants leave the window; wanted ones before it are held. */
  freeOldest(): SegmentRecord | undefined {
    for (let oldest = this.window.dropOldest(); oldest !== undefined; oldest = this.window.dropOldest()) {
      this.#forget(oldest);
      if (this.keep.leftWindow(oldest)) return oldest;
    }
    return undefined;
  }

  #forget(record: SegmentRecord): void {
    this.#run?.segments.delete(record.encoder.sequence);
    const key = takenKey(record.encoder.name, record.encoder.bytes, record.encoder.modifiedAt);
    const times = this.#taken.get(key) ?? 0;
    if (times > 1) this.#taken.set(key, times - 1);
    else this.#taken.delete(key);
  }

  /** Calls back after each new record; the answer ends that. */
  follow(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #remember({ encoder }: SegmentRecord): void {
    if (encoder.bytes === 0) return;
    const key = takenKey(encoder.name, encoder.bytes, encoder.modifiedAt);
    this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
    this.#newestModifiedAt = Math.max(this.#newestModifiedAt, encoder.modifiedAt);
  }
}

const takenKey = (name: string, bytes: number, modifiedAt: number): string =>
  `${name}|${bytes}|${modifiedAt}`;
