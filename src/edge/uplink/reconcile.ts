import type { Span } from '../../media/span.ts';
import type { Desired, Floor } from '../../wire/link-messages.ts';
import { spanOf } from '../spool/keep-file.ts';

/** What a source is told when control's desired state arrives. */
export type Order = {
  readonly source: string;
  /** The renditions to forward. */
  readonly forward: readonly string[];
  /** What recordings want of it. */
  readonly keep: readonly Span[];
  readonly floor?: Floor;
  /** The edge that owns the name instead. */
  readonly takenBy?: string;
};

/** Sources that are kept and that this edge does not have: their encoder may come back. */
export const keptOnly = (desired: Desired): readonly string[] =>
  desired.sources.filter(({ keep }) => keep.length > 0).map(({ name }) => name);

/**
 * Turns the whole desired state into one order for each source this edge has. Sources that control does not
 * name are not forwarded; names that this edge does not have, and renditions it does not know, are ignored.
 */
export function reconcile(desired: Desired, sources: Iterable<string>): readonly Order[] {
  const wanted = new Map(desired.sources.map((source) => [source.name, source]));
  return [...sources].map((source) => {
    const order = wanted.get(source);
    if (order === undefined) return { source, forward: [], keep: [] };
    const { floor, takenBy } = order;
    return {
      source,
      forward: takenBy === undefined ? order.forward : [],
      keep: order.keep.map(spanOf),
      ...(floor !== undefined && { floor }),
      ...(takenBy !== undefined && { takenBy }),
    };
  });
}
