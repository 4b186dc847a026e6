import type { SegmentRecord } from './segment-record.ts';
import type { Seconds } from './units.ts';

/**
 * The newest records of a rendition, bounded in media time. Records only, never bytes: it returns what fell
 * out, and whoever owns the bytes lets go of them.
 */
export class LiveWindow {
  readonly #records: SegmentRecord[] = [];
  #duration = 0;

  constructor(private readonly maxDuration: Seconds) {}

  /** Ascending by sequence; holes only where numbers jumped. */
  get records(): readonly SegmentRecord[] {
    return this.#records;
  }

  get newest(): SegmentRecord | undefined {
    return this.#records.at(-1);
  }

  get oldest(): SegmentRecord | undefined {
    return this.#records[0];
  }

  find(sequence: number): SegmentRecord | undefined {
    const record = this.#records[this.#indexFrom(sequence)];
    return record?.sequence === sequence ? record : undefined;
  }

  /** The records whose number is at least `sequence`. */
  from(sequence: number): readonly SegmentRecord[] {
    return this.#records.slice(this.#indexFrom(sequence));
  }

  /** Adds the newest record and returns those that fell out; at least one stays. */
  push(record: SegmentRecord): readonly SegmentRecord[] {
    const newest = this.newest;
    if (newest !== undefined && record.sequence <= newest.sequence) {
      throw new RangeError(`sequence ${record.sequence} does not follow ${newest.sequence}`);
    }
    this.#records.push(record);
    this.#duration += record.duration;
    const fallen: SegmentRecord[] = [];
    while (this.#records.length > 1 && this.#duration > this.maxDuration) fallen.push(this.#shift());
    return fallen;
  }

  /** Lets the oldest go before its time, to free room; the newest always stays. */
  dropOldest(): SegmentRecord | undefined {
    return this.#records.length > 1 ? this.#shift() : undefined;
  }

  #shift(): SegmentRecord {
    const record = this.#records.shift()!;
    this.#duration -= record.duration;
    return record;
  }

  /** The index of the first record whose number is at least `sequence`. */
  #indexFrom(sequence: number): number {
    let low = 0;
    let high = this.#records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#records[middle]!.sequence < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
