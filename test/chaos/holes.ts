import type { SegmentFacts } from './obligations.ts';
import type { Entry } from './replayed.ts';

/** A gap as the recording's JSON states it. */
export type StatedGap = { readonly from: string; readonly until: string; readonly reason: string };

/** A place of the replay where announced segments are not. */
export type Hole = {
  readonly missing: readonly SegmentFacts[];
  /** When, in epoch milliseconds. */
  readonly from: number;
  readonly until: number;
  /** The playlist shows it: EXT-X-GAP or EXT-X-DISCONTINUITY. At its begin or end there is nothing to show. */
  readonly shown: boolean;
  readonly inside: boolean;
};

/** The encoder made nothing: such a gap excuses nothing that it did make. */
export const SILENT = 'source_silent';
/** How much of the missing time must be stated; numbers are rounded and clocks differ a little. */
const STATED_PART = 0.6;

type Held = { readonly index: number; readonly rank: number };

/**
 * The holes of a replay.
 * @param wanted what could be there, in the order in which it was announced
 */
export function holesOf(
  entries: readonly Entry[],
  wanted: readonly SegmentFacts[],
  durationMs: number,
): Hole[] {
  const rankOf = new Map(wanted.map(({ label }, rank) => [label, rank]));
  const held: Held[] = entries.flatMap(({ segment }, index) => {
    const rank = segment && rankOf.get(`${segment.run}/${segment.sequence}`);
    return rank === undefined ? [] : [{ index, rank }];
  });
  held.sort((a, b) => a.rank - b.rank);
  const holes: Hole[] = [];
  const ends: (Held | undefined)[] = [undefined, ...held, undefined];
  for (let place = 1; place < ends.length; place++) {
    const before = ends[place - 1];
    const after = ends[place];
    const missing = wanted.slice((before?.rank ?? -1) + 1, after?.rank ?? wanted.length);
    if (missing.length === 0) continue;
    const between = after && entries.slice((before?.index ?? -1) + 1, after.index + 1);
    holes.push({
      missing,
      ...timeOf(missing, before && entries[before.index], after && entries[after.index], durationMs),
      inside: before !== undefined && after !== undefined,
      shown: between === undefined || between.some(({ gap, discontinuity }) => gap || discontinuity),
    });
  }
  return holes;
}

/** From the end of what stands before to the begin of what follows; where that is not told, when it was announced. */
function timeOf(
  missing: readonly SegmentFacts[],
  before: Entry | undefined,
  after: Entry | undefined,
  durationMs: number,
): { from: number; until: number } {
  const announced = missing.map(({ wall }) => wall);
  const from =
    before?.at !== undefined ? before.at + before.duration * 1000 : Math.min(...announced) - 2 * durationMs;
  const until = after?.at ?? Math.max(...announced) + durationMs;
  return { from: from - durationMs / 2, until: until + durationMs / 2 };
}

/** How much of the hole's time the gaps cover, in milliseconds, and with which reasons. */
export function statedOf(hole: Hole, gaps: readonly StatedGap[]): { ms: number; reasons: string[] } {
  let ms = 0;
  const reasons = new Set<string>();
  for (const { from, until, reason } of gaps) {
    if (reason === SILENT) continue;
    const overlap = Math.min(Date.parse(until), hole.until) - Math.max(Date.parse(from), hole.from);
    if (overlap <= 0) continue;
    ms += overlap;
    reasons.add(reason);
  }
  return { ms, reasons: [...reasons] };
}

/** Whether the gaps own up to the whole of the hole. */
export const isStated = (hole: Hole, stated: { ms: number }, durationMs: number): boolean =>
  stated.ms >= STATED_PART * hole.missing.length * durationMs;
