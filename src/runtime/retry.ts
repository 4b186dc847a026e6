import { type Millis, millis } from '../media/units.ts';

/** A number in [0, 1), such as `Math.random`. */
export type Random = () => number;

/**
 * The pauses between tries: the first within `first`, then full jitter below `base`, twice that, and so on up to
 * `ceiling`. Many clients that lost the same server do not come back at the same moment.
 */
export function* fullJitter(options: {
  readonly first: Millis;
  readonly base: Millis;
  readonly ceiling: Millis;
  readonly random: Random;
}): Generator<Millis, never> {
  const { first, base, ceiling, random } = options;
  yield millis(random() * first);
  for (let bound: number = base; ; bound = Math.min(ceiling, bound * 2)) {
    yield millis(random() * Math.min(ceiling, bound));
  }
}

const firstRedialMs = 500;
const leastBoundMs = 2_000;
const mostBoundMs = 30_000;

/**
 * How long to wait before dialling again: at the first attempt (0) at most half a second, then full jitter below a
 * tenth of the outage so far, which is held between 2 and 30 s.
 */
export function redialPause(attempt: number, outageSoFar: Millis, random: Random): Millis {
  const bound =
    attempt <= 0 ? firstRedialMs : Math.min(mostBoundMs, Math.max(leastBoundMs, outageSoFar / 10));
  return millis(random() * bound);
}
