import { box, u32 } from './boxes.ts';
import type { Fragment } from './fragment-header.ts';

/** version 1: 64-bit times and places. */
const VERSION_1 = Buffer.from([1, 0, 0, 0]);

/** sample_is_non_sync_sample (§8.8.3.1). */
const IS_NO_KEY = 0x010000;

type Entries = { readonly times: number[]; readonly places: number[]; readonly trafs: number[] };

/**
 * Where in the file the fragments begin: the index at its end (mfra, ISO/IEC 14496-12 §8.8.9), with which a player finds
 * its way without reading all. A few numbers for each fragment is all that is kept: 0.2 MB for an hour.
 */
export class RandomAccess {
  readonly #tracks = new Map<number, Entries>();

  /** Takes down a fragment that begins at `place` of the file. A track that does not begin with a key frame in it is left out. */
  add({ runs }: Fragment, place: number): void {
    runs.forEach(({ track, begin, samples }, index) => {
      if (samples[0] === undefined || (samples[0].flags & IS_NO_KEY) !== 0) return;
      const entries = this.#tracks.get(track) ?? { times: [], places: [], trafs: [] };
      this.#tracks.set(track, entries);
      entries.times.push(begin + samples[0].composition);
      entries.places.push(place);
      entries.trafs.push(index + 1);
    });
  }

  /** The index; to be the last thing in the file. */
  box(): Buffer {
    const tracks = [...this.#tracks]
      .sort(([a], [b]) => a - b)
      .map(([track, entries]) => tfra(track, entries));
    const bytes = tracks.reduce((sum, { length }) => sum + length, 8 + 16);
    return box('mfra', ...tracks, box('mfro', u32(0), u32(bytes)));
  }
}

function tfra(track: number, { times, places, trafs }: Entries): Buffer {
  const entries = Buffer.alloc(times.length * 19);
  times.forEach((time, index) => {
    const at = index * 19;
    entries.writeBigUInt64BE(BigInt(Math.max(0, time)), at);
    entries.writeBigUInt64BE(BigInt(places[index]!), at + 8);
    // The numbers of the traf, of its trun and of the sample, a byte each.
    entries.set([trafs[index]!, 1, 1], at + 16);
  });
  return box('tfra', VERSION_1, u32(track), u32(0), u32(times.length), entries);
}
