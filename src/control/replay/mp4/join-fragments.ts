import { withDuration } from './boxes.ts';
import { breather } from './breathe.ts';
import { type Fragment, movedEarlier, parseFragment, type Run } from './fragment-header.ts';
import { readClocks, type TrackClock, withEdits } from './init-section.ts';
import { Mp4Impossible, type Mp4Input } from './mp4-input.ts';
import { RandomAccess } from './random-access.ts';
import { boxesOfSegment, type SegmentBox } from './segment-boxes.ts';

/** What tells times and places of the file that a segment came from: not those of this one (§8.16.3, §8.8.9). */
const OF_ANOTHER_FILE: ReadonlySet<string> = new Set(['sidx', 'ssix', 'mfra']);

export type FragmentsToJoin = {
  readonly init: Buffer;
  /** Segments of fMP4, that this init section is for. */
  readonly inputs: AsyncIterable<Mp4Input> | Iterable<Mp4Input>;
  /** Of all of them, as they were announced. */
  readonly seconds: number;
  readonly beginsAtMs: number;
};

/**
 * Segments of fMP4 as one MP4 that begins at 0, as it grows: their own fragments, of which only the times are changed, behind a
 * header that says how long it is, and an index at the end. An encoder counts from when it was started, in its fragments
 * or with empty edits; all tracks are moved by the same time, so that sound and picture stay together. Where an input says that
 * its times do not follow, it begins where the one before it ended. One segment is in memory at a time. A segment that
 * is gone or cannot be read is left out. Rejects with Mp4Impossible before the first byte where there is none that can.
 */
export async function* joinFragments(toJoin: FragmentsToJoin): AsyncGenerator<Buffer, void, void> {
  const clocks = readClocks(toJoin.init);
  const index = new RandomAccess();
  const breathe = breather();
  let time: FileTime | undefined;
  let written = 0;
  const count = (bytes: Buffer): Buffer => {
    written += bytes.length;
    return bytes;
  };
  let isCut = false;
  for await (const input of toJoin.inputs) {
    const bytes = await input.bytes();
    const boxes = bytes === undefined ? undefined : readSegment(bytes, clocks);
    isCut ||= input.discontinuity;
    if (boxes === undefined) {
      isCut = true;
      continue;
    }
    const runs = boxes.flatMap(({ fragment }) => fragment?.runs ?? []);
    if (time === undefined) {
      time = new FileTime(clocks, runs);
      const edited = withEdits(toJoin.init, time.takenAtBegin);
      yield count(withDuration(edited, toJoin.seconds, toJoin.beginsAtMs));
    } else if (isCut) time.goOnWith(runs);
    isCut = false;
    for (const { type, bytes, fragment } of boxes) {
      await breathe();
      if (OF_ANOTHER_FILE.has(type)) continue;
      if (fragment === undefined) {
        yield count(bytes);
        continue;
      }
      const by = (track: number): number => time!.earlierBy(track);
      const moved = fragment.runs.map((run) => ({ ...run, begin: Math.max(0, run.begin - by(run.track)) }));
      index.add({ runs: moved }, written);
      yield count(movedEarlier(bytes, by));
    }
    time.reached(runs);
  }
  if (time === undefined) throw new Mp4Impossible('none of its segments can be read as fMP4');
  yield count(index.box());
}

/** Where the fragments of a file lie on its time axis, which begins when the first packet is shown. */
class FileTime {
  /** Units of each track that its edit list takes away: packets that are decoded before 0, to be shown after it. */
  readonly takenAtBegin = new Map<number, number>();
  /** The time of the encoder that is now 0 of the file, in seconds. */
  #zero: number;
  /** Seconds of the file. */
  #end = 0;

  constructor(
    private readonly clocks: ReadonlyMap<number, TrackClock>,
    first: readonly Run[],
  ) {
    this.#zero = Math.min(...first.map((run) => this.#seconds(run, shownAt(run))));
    for (const { track, begin } of first) {
      const { scale, earlier } = this.#clock(track);
      const decodedAt = begin - earlier - Math.round(this.#zero * scale);
      if (!this.takenAtBegin.has(track)) this.takenAtBegin.set(track, Math.max(0, -decodedAt));
    }
  }

  /** By how much the fragments of a track are to be decoded earlier. */
  earlierBy(track: number): number {
    const { scale, earlier } = this.#clock(track);
    return earlier + Math.round(this.#zero * scale) - (this.takenAtBegin.get(track) ?? 0);
  }

  /** These begin where all that came before has ended. */
  goOnWith(runs: readonly Run[]): void {
    this.#zero = Math.min(...runs.map((run) => this.#seconds(run, run.begin))) - this.#end;
  }

  reached(runs: readonly Run[]): void {
    for (const run of runs) {
      const end = run.samples.reduce((at, { duration }) => at + duration, run.begin);
      this.#end = Math.max(this.#end, this.#seconds(run, end) - this.#zero);
    }
  }

  #seconds({ track }: Run, at: number): number {
    const { scale, earlier } = this.#clock(track);
    return (at - earlier) / scale;
  }

  #clock(track: number): TrackClock {
    return this.clocks.get(track)!;
  }
}

/** When the packet of a run that is shown first is shown. */
function shownAt({ begin, samples }: Run): number {
  let [at, first] = [begin, Number.POSITIVE_INFINITY];
  for (const { duration, composition } of samples) {
    first = Math.min(first, at + composition);
    at += duration;
  }
  return Math.min(first, at);
}

type ReadBox = SegmentBox & { readonly fragment?: Fragment };

/** The boxes of a segment; undefined where it has no fragment, or cannot be read. */
function readSegment(bytes: Buffer, clocks: ReadonlyMap<number, TrackClock>): readonly ReadBox[] | undefined {
  const defaultsOf = (track: number): TrackClock => {
    const clock = clocks.get(track);
    if (clock === undefined) throw new RangeError(`a fragment of track ${track}, which there is not`);
    return clock;
  };
  try {
    const boxes = [...boxesOfSegment(bytes)].map(
      (box): ReadBox =>
        box.type === 'moof' ? { ...box, fragment: parseFragment(box.bytes, defaultsOf) } : box,
    );
    return boxes.some(({ fragment }) => fragment !== undefined && fragment.runs.length > 0)
      ? boxes
      : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
