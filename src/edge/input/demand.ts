import type { Span } from '../../media/span.ts';
import type { EpochMs } from '../../media/units.ts';
import type { Source } from '../source.ts';

/** A recording has its first segment when the source was begun so long before. */
const BEGINS_BEFORE_MS = 10_000;

/** Whether anybody wants the source now: viewers by control, viewers on the LAN, or a recording. */
export function isWanted(
  { renditions }: Pick<Source, 'renditions'>,
  by: { readonly forwarded: boolean; readonly watched: boolean; readonly now: EpochMs },
): boolean {
  if (by.forwarded || by.watched) return true;
  for (const { keep } of renditions) if (keep.spans.some((span) => isDue(span, by.now))) return true;
  return false;
}

const isDue = ({ from, until }: Span, now: number): boolean =>
  from - BEGINS_BEFORE_MS <= now && (until === undefined || now < until);
