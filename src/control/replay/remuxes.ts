import { LiveMixError } from '../../media/error.ts';

/** Each takes as much of a core as its reader lets it. */
const AT_ONCE = 4;

/** How many recordings are being remuxed. */
export class Remuxes {
  #running = 0;

  /** Throws `busy` when too many run. */
  async run(remux: () => Promise<void>): Promise<void> {
    if (this.#running >= AT_ONCE) {
      throw new LiveMixError('busy', `${AT_ONCE} recordings are being made into MP4s.`, {
        hint: 'Ask again in a while, or download it as .ts.',
        retryAfter: 30,
      });
    }
    this.#running += 1;
    try {
      await remux();
    } finally {
      this.#running -= 1;
    }
  }
}
