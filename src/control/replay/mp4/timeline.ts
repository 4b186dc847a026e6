import { TICKS_PER_SECOND, TICKS_WRAP } from '../../../mpegts/ticks.ts';

/** Where the packets of one track of a segment lie, in ticks of presentation time. */
export type Extent = {
  readonly track: string;
  readonly first: number;
  /** The time of the packet that is shown last, and where it ends. */
  readonly last: number;
  readonly end: number;
};

/** How long a hole inside a run may be; what lies farther away is no hole but another clock. */
const LONGEST_HOLE = 10 * TICKS_PER_SECOND;

/**
 * The one time axis of the file, in ticks from 0. Inside a run the stream's own times are kept, holes too, across the
 * 33-bit wrap. A new stretch is joined: it begins where the longest track of the one before ended, and all its tracks
 * move by the same amount, so that they stay in sync. A wall-clock hole between stretches is not kept: the clock
 * says when a segment arrived, not when it was filmed, so a hole made of it would be wrong by seconds, and an empty one
 * is what players handle worst. Times that go back, or on by more than 10 s, are a new stretch though nobody said so.
 */
export class Timeline {
  #offset = 0;
  #end = 0;
  #begun = false;
  readonly #lastOf = new Map<string, number>();

  /** Ticks from 0 to the end of the media placed so far. */
  get end(): number {
    return this.#end;
  }

  /** Finds the place of a segment: how much is to be added to its ticks, and whether it begins a new stretch. */
  place(
    extents: readonly Extent[],
    discontinuity: boolean,
  ): { readonly by: number; readonly joined: boolean } {
    const first = Math.min(...extents.map((extent) => extent.first));
    const wraps = Math.round((this.#end - (first + this.#offset)) / TICKS_WRAP) * TICKS_WRAP;
    const by = this.#offset + wraps;
    const goesOn =
      first + by <= this.#end + LONGEST_HOLE &&
      extents.every((extent) => extent.first + by > (this.#lastOf.get(extent.track) ?? -1));
    const joined = discontinuity || !this.#begun || !goesOn;
    this.#offset = joined ? this.#end - first : by;
    this.#begun = true;
    for (const { track, last, end } of extents) {
      this.#lastOf.set(track, last + this.#offset);
      this.#end = Math.max(this.#end, end + this.#offset);
    }
    return { by: this.#offset, joined };
  }
}
