const WIDTH = 28;
const REDRAW_MS = 100;

/** A line on stderr that shows how far a long task is; nothing where stderr is no terminal. */
export class ProgressBar {
  #drawnAt = 0;
  #drawn = false;

  constructor(
    private readonly stream: NodeJS.WriteStream = process.stderr,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @param share 0 to 1; undefined while the whole is not known */
  show(share: number | undefined, text: string): void {
    if (!this.stream.isTTY || this.now() - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = this.now();
    this.#drawn = true;
    const filled = Math.round(WIDTH * Math.min(1, Math.max(0, share ?? 0)));
    const bar = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`;
    const percent = share === undefined ? '' : `${String(Math.floor(share * 100)).padStart(3)} % `;
    // A terminal that does not know its width says 0. A line of the whole width would wrap.
    const line = `${bar} ${percent}${text}`.slice(0, (this.stream.columns || 80) - 1);
    this.stream.write(`\r\x1b[2K${line}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#drawn) this.stream.write('\r\x1b[2K');
    this.#drawn = false;
  }
}
