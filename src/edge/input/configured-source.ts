/** A source that its edge brings in by itself, as the operator configured it. */
export type ConfiguredSource = {
  readonly name: string;
  readonly input: PullInput | CommandInput;
  /** `on-demand`: only while somebody watches it or a recording wants it. */
  readonly when: 'always' | 'on-demand';
};

/** An HLS playlist that is polled (RFC 8216 §6.3.4). */
export type PullInput = { readonly kind: 'pull'; readonly url: string };

/** ffmpeg, started without a shell, that pushes what it reads to this edge. */
export type CommandInput = {
  readonly kind: 'command';
  /** Its arguments up to the output: input options and inputs. */
  readonly input: readonly string[];
  /** What is done with the streams; `-c copy` where nothing is said. */
  readonly output: readonly string[];
};

/** A way in that the edge works itself. It begins when it is made. */
export interface Input {
  /** Ends it; resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}
