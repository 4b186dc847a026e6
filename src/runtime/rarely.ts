import { type Millis, millis } from '../media/units.ts';
import type { Clock } from './clock.ts';

/** How often at most the same thing is said. */
const REPEAT_AFTER = millis(60_000);
/** Things that are told apart; beyond that some are said again early. */
const MAX_REMEMBERED = 1_000;

/** Says a thing, named by its key, at most once a minute: trouble that goes on must not drown the rest of a log. */
export function rarelySaid(clock: Clock): (key: string, say: () => void) => void {
  const saidAt = new Map<string, Millis>();
  return (key, say) => {
    const now = clock.monotonic();
    const before = saidAt.get(key);
    if (before !== undefined && now - before < REPEAT_AFTER) return;
    if (saidAt.size >= MAX_REMEMBERED) saidAt.clear();
    saidAt.set(key, now);
    say();
  };
}
