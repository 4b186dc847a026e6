import { millis } from '../../../media/units.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Random } from '../../../runtime/retry.ts';
import { type Polled, Rhythm } from './rhythm.ts';

/** However long the taking in lasted, the server is given this long between two questions. */
const LEAST_PAUSE_MS = 100;

/** Polls in the rhythm of a player, one poll after the other, until the signal aborts. Rejects as `poll` does. */
export async function keepPolling(
  poll: () => Promise<Polled>,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  signal: AbortSignal,
): Promise<void> {
  const rhythm = new Rhythm(random);
  while (!signal.aborted) {
    const began = clock.monotonic();
    const polled = await poll();
    const { wait, from } = rhythm.after(polled);
    const passed = from === 'begin' ? clock.monotonic() - began : 0;
    await clock.sleep(millis(Math.max(LEAST_PAUSE_MS, wait - passed)), signal);
  }
}
