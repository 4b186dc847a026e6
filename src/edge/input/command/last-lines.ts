/** Lines that are kept of each kind, and characters of each. */
const MAX_LINES = 8;
const MAX_SHOWN = 300;
/** Characters of a line that has not ended. What comes behind them is dropped: a line may hold a URL of 4,096. */
const MAX_OPEN = 16_384;

/** What a program said last, of bounded length. Warnings are kept apart: they must not push out why it ended. */
export class LastLines {
  #open = '';
  readonly #serious: string[] = [];
  readonly #warnings: string[] = [];

  constructor(
    private readonly redact: (line: string) => string,
    /** Sees each line as it comes, whole and redacted. */
    private readonly onLine: (line: string) => void = () => undefined,
  ) {}

  push(text: string): void {
    const lines = text.split(/[\r\n]+/);
    for (const [index, line] of lines.entries()) {
      if (index > 0) this.end();
      this.#open += line.slice(0, MAX_OPEN - this.#open.length);
    }
  }

  /** The line that has not ended has ended. */
  end(): void {
    const line = plain(this.redact(this.#open));
    const warning = WARNING.test(this.#open);
    this.#open = '';
    if (line === '') return;
    this.onLine(line);
    const kept = warning ? this.#warnings : this.#serious;
    const shown = line.slice(0, MAX_SHOWN);
    // ffmpeg may say one thing a hundred times a second.
    const before = kept.indexOf(shown);
    if (before >= 0) kept.splice(before, 1);
    kept.push(shown);
    if (kept.length > MAX_LINES) kept.shift();
  }

  /** The newest lines, oldest first: errors where there are any, else warnings. */
  newest(count: number): readonly string[] {
    return (this.#serious.length > 0 ? this.#serious : this.#warnings).slice(-count);
  }
}

const WARNING = /\[(warning|info|verbose|debug|trace)\] /;

/** Without ffmpeg's addresses and levels: `[rtsp @ 0x5581] [error] …` is `rtsp: …`. Control characters go, too. */
const plain = (line: string): string =>
  line
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
    .replace(/\[([^\]@]{1,40}) @ [^\]]{1,20}\] */g, '$1: ')
    .replace(/\[(panic|fatal|error|warning|info|verbose|debug|trace)\] */, '')
    .trim();
