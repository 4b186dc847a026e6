import type { Trouble } from '../../media/error.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { EdgeEvents } from '../events.ts';
import type { Ingest } from '../ingest/ingest.ts';
import type { FfmpegProgram } from './command/ffmpeg-program.ts';
import { openCommand } from './command/open-command.ts';
import type { ConfiguredSource, Input } from './configured-source.ts';
import { Pull } from './pull/pull.ts';

/** What ways in need. */
export type InputTools = {
  readonly ingest: Ingest;
  readonly clock: Clock;
  readonly events: EdgeEvents;
  /** Where this edge takes in what is pushed, and what must be shown there. */
  readonly edge: { readonly url: string; readonly ingestToken: string | undefined };
  /** What brings in what is no HLS. */
  readonly ffmpeg: FfmpegProgram;
  /** What is wrong with a source now. It is logged, shown, and reported. */
  readonly inTrouble: (source: string, trouble: Trouble) => void;
  /** What is wrong with it however much of it is taken in; undefined: no longer. */
  readonly inLastingTrouble: (source: string, trouble: Trouble | undefined) => void;
  /** What was wrong with its input is over. */
  readonly outOfTrouble: (source: string) => void;
  /** Something else changed that control should know of. */
  readonly changed: () => void;
  /** Something failed that should not: the process ends. */
  readonly onFailure: (error: unknown) => void;
};

/** Begins to bring a source in. The source is known to the edge already. */
export function openInput({ name, input, when }: ConfiguredSource, tools: InputTools): Input {
  switch (input.kind) {
    case 'pull':
      return new Pull({ name, when }, input, tools);
    case 'command':
      return openCommand(
        { name, input },
        {
          ...tools,
          fed: (source) => tools.ingest.sources.find(source),
          started: (source, command) => tools.events.ffmpegStarted(source, command),
        },
      );
  }
}
