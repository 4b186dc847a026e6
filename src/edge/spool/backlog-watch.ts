import type { Millis } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';

/** Percent of the spool's bound at which the operator is told. */
const MARKS = [80, 90, 95] as const;

/** Tells when what recordings wait for comes near the spool's bound, once for each mark that is passed upwards. */
export class BacklogWatch {
  #told = 0;
  #before: { readonly at: Millis; readonly bytes: number };

  constructor(
    private readonly maxBytes: number,
    private readonly clock: Clock,
    private readonly grows: (percent: number, secondsLeft: number | undefined) => void,
  ) {
    this.#before = { at: clock.monotonic(), bytes: 0 };
  }

  look(backlogBytes: number): void {
    const at = this.clock.monotonic();
    const percent = (100 * backlogBytes) / this.maxBytes;
    const passed = MARKS.findLast((mark) => percent >= mark) ?? 0;
    const perMs = (backlogBytes - this.#before.bytes) / (at - this.#before.at);
    if (passed > this.#told) {
      const left = perMs > 0 ? (this.maxBytes - backlogBytes) / perMs / 1000 : undefined;
      this.grows(passed, left);
    }
    this.#told = passed;
    this.#before = { at, bytes: backlogBytes };
  }
}
