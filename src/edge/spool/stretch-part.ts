import type { LedgerState as State } from './ledger-state.ts';

/**
 * Contiguous numbers that control publishes of a rendition, in a stretch that belongs to its source. `ordinal` counts
 * stretches over the source's life.
 */
export type Stretch = {
  /** The first number of the rendition in this stretch; it carries EXT-X-DISCONTINUITY. */
  readonly first: number;
  /** Where its lists begin: behind `first` when the rendition was left out for a while and others went on. */
  readonly from: number;
  readonly ordinal: number;
  /** The target duration it opened with; longer segments raise it in place. */
  readonly targetDuration: number;
  /** Where it ends: another rendition has opened the next one behind that. */
  readonly through?: number;
};

/** A rendition's part of a stretch; undefined where it is not in it. */
export function partOf(stretch: State['stretch'], rendition: string): Stretch | undefined {
  if (stretch === undefined || !Object.hasOwn(stretch.renditions, rendition)) return undefined;
  const { ordinal, targetDuration, renditions } = stretch;
  return { ...renditions[rendition]!, ordinal, targetDuration };
}

/** A stretch without one of its renditions. */
export function without(
  stretch: NonNullable<State['stretch']>,
  rendition: string,
): NonNullable<State['stretch']> {
  const { [rendition]: _, ...renditions } = stretch.renditions;
  return { ...stretch, renditions };
}
