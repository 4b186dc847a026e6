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

/** Something that was configured as a source and is none. */
export type SourceFault = {
  /** Where it has a name that a source may have. */
  readonly name?: string;
  /** Where it stands and what is wrong. It shows no URL: that may hold a password. */
  readonly detail: string;
  readonly hint: string;
};

/** All that is configured. Sources that are at fault stand under `faults` alone. */
export type ConfiguredSources = {
  readonly sources: readonly ConfiguredSource[];
  readonly faults: readonly SourceFault[];
};

/** A way in that the edge works itself. It begins when it is made. */
export interface Input {
  /** Ends it; resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}
