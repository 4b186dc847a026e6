import { DRIFT_MS, endOf } from '../../media/span.ts';
import { type EpochMs, epochMs, type Seconds, seconds } from '../../media/units.ts';
import type { Rendition } from '../rendition.ts';

/** Time in a rendition in which no edge was there. */
export type Downtime = { readonly at: EpochMs; readonly duration: Seconds };

/** An encoder that said nothing for so long when the edge was last seen had stopped before. */
const SILENT_MS = 15_000;
/** Parts that are stated one by one. What lies behind them the jump of numbers says. */
const MAX_PARTS = 150;

/**
 * An encoder began anew, as far as can be seen, for the first time since this process did: what it made while no edge
 * was there nobody knows, unless it had stopped before. In parts of at most a target duration, as a list may show them.
 * @param begins when its first segment begins
 */
export function downtimeOf(rendition: Rendition, begins: EpochMs): readonly Downtime[] {
  const { newest } = rendition.window;
  if (newest === undefined || newest.sequence !== rendition.restoredThrough) return [];
  const ended = endOf(newest);
  const watched = rendition.wasWatchedUntil ?? ended;
  const silent = Math.max(SILENT_MS, 3_000 * newest.targetDuration);
  if (begins - ended <= DRIFT_MS || watched - ended > silent) return [];
  const parts: Downtime[] = [];
  const most = newest.targetDuration * 1_000;
  for (let at: number = ended; at < begins && parts.length < MAX_PARTS; at += most)
    parts.push({ at: epochMs(at), duration: seconds(Math.min(most, begins - at) / 1_000) });
  return parts;
}
