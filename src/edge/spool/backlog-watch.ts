import type { Millis } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';

/** Percent of the spool's bound at which the operator is told. */
const MARKS = [80, 90, 95] as const;

/** Tells when what recordings wait for comes near the spool's bound, once for each mark that is passed upwards. */
export class BacklogWatch {
  #told = 0;
  #before: { readonly at: Millis; readonly bytes: number } | undefined;

  constructor(
    private readonly maxBytes: number,
    private readonly clock: Clock,
    private readonly grows: (percent: number, secondsLeft: number | undefined) => void,
  ) {}

  look(backlogBytes: number): void {
    const at = this.clock.monotonic();
    const percent = (100 * backlogBytes) / this.maxBytes;
    const passed = MARKS.findLast((mark) => percent >= mark) ?? 0;
    if (passed > this.#told) this.grows(passed, this.#secondsLeft(at, backlogBytes));
    this.#told = passed;
    this.#before = { at, bytes: backlogBytes };
  }

  /** Until the bound is reached, at the pace since the look before; undefined where that is not known. */
  #secondsLeft(at: Millis, backlogBytes: number): number | undefined {
    // What an earlier process left was not gathered since the start.
    if (this.#before === undefined || at <= this.#before.at) return undefined;
    const perMs = (backlogBytes - this.#before.bytes) / (at - this.#before.at);
    return perMs > 0 ? Math.max(0, this.maxBytes - backlogBytes) / perMs / 1000 : undefined;
  }
}
