/** Answers that are compared: the one that travelled fastest is the most exact. */
const KEPT = 8;

/**
 * How far control's clock is ahead of this machine's, from pings. Half of the way there and back is taken for
 * the way back, so the error is at most half of the fastest round trip of late.
 */
export class ClockOffset {
  readonly #samples: { readonly offset: number; readonly roundTrip: number }[] = [];

  /**
   * @param sentAt and `receivedAt` on this machine's clock, `theirs` on control's, all in epoch milliseconds
   * @returns milliseconds to add to this machine's clock
   */
  sample(sentAt: number, theirs: number, receivedAt: number): number {
    const roundTrip = Math.max(0, receivedAt - sentAt);
    this.#samples.push({ offset: theirs + roundTrip / 2 - receivedAt, roundTrip });
    if (this.#samples.length > KEPT) this.#samples.shift();
    return this.#samples.reduce((best, sample) => (sample.roundTrip < best.roundTrip ? sample : best)).offset;
  }
}
