import type { SegmentRecord } from '../media/segment-record.ts';
import { endOf } from '../media/span.ts';
import type { EpochMs } from '../media/units.ts';
import type { Rendition } from './rendition.ts';
import type { Ledger } from './spool/ledger.ts';

/** Where a rendition stands that begins or joins a run. */
export type RunEntry = {
  /** The number of its first segment. */
  readonly sequence: number;
  /** Whether that carries EXT-X-DISCONTINUITY, and how many tags stand before or at it. */
  readonly discontinuity: boolean;
  readonly discontinuitySequence: number;
  /** Counts the runs of the source. */
  readonly ordinal: number;
  /** It is the first of its source to be in this run. */
  readonly opened: boolean;
  /** When the segment of that number begins in another rendition. */
  readonly at?: EpochMs;
};

type SourceRun = {
  readonly ordinal: number;
  /** Number = base + the encoder's own, in every rendition whose encoder counts alike. */
  readonly base: number;
  readonly first: number;
  readonly discontinuity: boolean;
  readonly discontinuitySequence: number;
};

/** A rendition that joins may be so many segments ahead of the others; farther away it does not count as they do. */
const AHEAD_AT_MOST = 64;

/**
 * The lives of a source's encoder. A restart opens one run in all renditions: the first that is heard of opens it, the
 * others join it, with the same numbers for the same encoder's numbers, and one discontinuity more in each of them.
 */
export class Runs {
  #current: SourceRun | undefined;
  /** Runs before this one cannot go on: numbers jumped since. */
  #oldest = 0;
  #jumps = 0;

  constructor(
    private readonly ledger: Ledger,
    private readonly renditions: Iterable<Rendition>,
  ) {}

  /** Renditions were brought back. A run opens with one discontinuity more than all before it: that tells which are in the newest. */
  restore(): void {
    const all = [...this.renditions].filter(({ window }) => window.newest !== undefined);
    const byNewest = all.sort((a, b) => isLater(b.window.newest!, a.window.newest!));
    if (byNewest.length === 0) return;
    const { discontinuitySequence } = openingOf(byNewest[0]!);
    const isIn = ({ window }: Rendition) => window.newest!.discontinuitySequence >= discontinuitySequence;
    for (const rendition of byNewest) rendition.runOrdinal = isIn(rendition) ? 2 : 1;
    // Those that come later count as most do.
    const inRun = byNewest.filter(isIn);
    const alike = (one: Rendition) => inRun.filter(({ base }) => base === one.base).length;
    const measure = inRun.reduce((most, one) => (alike(one) > alike(most) ? one : most));
    this.#current = {
      ordinal: 2,
      base: measure.base!,
      first: openingOf(measure).sequence,
      discontinuity: discontinuitySequence > 0,
      discontinuitySequence,
    };
  }

  /** Whether numbers may go on in the run that a rendition is in. */
  goesOn({ runOrdinal }: Rendition): boolean {
    this.#noteJump();
    return runOrdinal >= this.#oldest;
  }

  /**
   * A rendition's encoder began anew, or is heard of for the first time.
   * @param encoderSequence the first segment's number, as the encoder counts
   * @param listed how many segments its playlist lists from this one on
   * @param leftOut numbers that a run which opens leaves out before its first
   */
  enter(rendition: Rendition, encoderSequence: number, listed: number, leftOut = 0): RunEntry {
    this.#noteJump();
    const current = this.#current;
    const canJoin =
      current !== undefined && current.ordinal >= this.#oldest && rendition.runOrdinal < current.ordinal;
    return canJoin
      ? this.#join(rendition, current, encoderSequence, listed)
      : this.#open(encoderSequence, leftOut);
  }

  /**
   * A rendition's run goes on with a segment of that number. Where another rendition began anew beside it, or has a tag
   * that this one lost, it gets one, too: matching segments have matching discontinuity sequences (rfc8216bis §6.2.4).
   * @param discontinuity whether its encoder has one there
   */
  goOn(
    rendition: Rendition,
    sequence: number,
    discontinuity: boolean,
  ): Pick<RunEntry, 'discontinuity' | 'discontinuitySequence'> {
    const before = rendition.window.newest?.discontinuitySequence ?? 0;
    const run = this.#current;
    if (run !== undefined && this.#goesOnBeside(rendition, run, sequence)) rendition.runOrdinal = run.ordinal;
    const needed = run?.ordinal === rendition.runOrdinal ? this.#neededAt(run, rendition, sequence) : 0;
    const tagged = discontinuity || before < needed;
    return { discontinuity: tagged, discontinuitySequence: before + (tagged ? 1 : 0) };
  }

  /** Whether it is still being made while others are in a newer run: segments from before that may come late. */
  #goesOnBeside({ runOrdinal, window }: Rendition, run: SourceRun, sequence: number): boolean {
    const { newest } = window;
    if (runOrdinal >= run.ordinal || newest === undefined || sequence < run.first) return false;
    const opening = this.#inRun(run.ordinal).flatMap((one) => one.window.find(run.first) ?? [])[0];
    if (opening === undefined) return this.#inRun(run.ordinal).length > 0;
    // What was made before begins a whole segment earlier; clocks of arrival jitter by less.
    return endOf(newest) + newest.duration * 500 >= opening.at;
  }

  #neededAt(run: SourceRun, { base }: Rendition, sequence: number): number {
    if (base !== run.base) return run.discontinuitySequence;
    const inStep = this.#inRun(run.ordinal).filter((other) => other.base === base);
    const there = inStep.map(({ window }) => window.find(sequence)?.discontinuitySequence ?? 0);
    return Math.max(run.discontinuitySequence, ...there);
  }

  #open(encoderSequence: number, leftOut: number): RunEntry {
    const { ledger } = this;
    const sequence = ledger.nextSequence + leftOut;
    // The very first segment of a source follows nothing.
    const follows = [...this.renditions].some(({ window }) => window.newest !== undefined);
    const discontinuity = follows || ledger.discontinuity > 0;
    const discontinuitySequence = ledger.discontinuity + (discontinuity ? 1 : 0);
    const ordinal = (this.#current?.ordinal ?? 0) + 1;
    this.#current = {
      ordinal,
      base: sequence - encoderSequence,
      first: sequence,
      discontinuity,
      discontinuitySequence,
    };
    return { sequence, discontinuity, discontinuitySequence, ordinal, opened: true };
  }

  #join(rendition: Rendition, run: SourceRun, encoderSequence: number, listed: number): RunEntry {
    const newest = this.#newestOf(run);
    const before = rendition.window.newest;
    const lowest = Math.max(run.first, (before?.sequence ?? 0) + 1);
    const inStep = run.base + encoderSequence;
    const countsAlike = inStep >= lowest && inStep <= newest + AHEAD_AT_MOST;
    // One that counts in its own way gets the others' newest number for its newest segment.
    const sequence = countsAlike ? inStep : Math.max(lowest, newest - listed + 1);
    const same = this.#inRun(run.ordinal).flatMap(({ window }) => window.find(sequence) ?? [])[0];
    return {
      ...(same !== undefined && { at: same.at }),
      sequence,
      discontinuity: run.discontinuity || before !== undefined,
      discontinuitySequence: Math.max(
        this.#discontinuityAt(run, sequence),
        before === undefined ? 0 : before.discontinuitySequence + 1,
      ),
      ordinal: run.ordinal,
      opened: false,
    };
  }

  #newestOf({ ordinal, first }: SourceRun): number {
    return Math.max(first, ...this.#inRun(ordinal).map(({ window }) => window.newest?.sequence ?? 0));
  }

  /** What another rendition counts at that number: matching segments have matching numbers (rfc8216bis §6.2.4). */
  #discontinuityAt({ ordinal, first, discontinuitySequence }: SourceRun, sequence: number): number {
    const there = this.#inRun(ordinal).flatMap(({ window }) =>
      window.records.filter((record) => record.sequence >= first && record.sequence <= sequence).slice(-1),
    );
    return Math.max(discontinuitySequence, ...there.map((record) => record.discontinuitySequence));
  }

  #inRun(ordinal: number): readonly Rendition[] {
    return [...this.renditions].filter(({ runOrdinal }) => runOrdinal === ordinal);
  }

  #noteJump(): void {
    if (this.ledger.jumps === this.#jumps) return;
    this.#jumps = this.ledger.jumps;
    this.#oldest = (this.#current?.ordinal ?? 0) + 1;
  }
}

const isLater = (one: SegmentRecord, other: SegmentRecord): number =>
  one.discontinuitySequence - other.discontinuitySequence || one.sequence - other.sequence;

/** The first segment of a rendition's run, as far back as it is known. */
function openingOf({ base, window: { records } }: Rendition): SegmentRecord {
  return records[records.findLastIndex((one) => one.sequence - one.encoder.sequence !== base) + 1]!;
}
