import type { Trouble } from '../../../media/error.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { CommandInput, Input } from '../configured-source.ts';
import { ffmpegMissing } from './command-trouble.ts';
import { FfmpegMissing, type FfmpegProgram } from './ffmpeg-program.ts';
import { type Fed, SupervisedFfmpeg } from './supervised-ffmpeg.ts';

/** What a source that ffmpeg brings in needs of its edge. */
export type CommandTools = {
  readonly clock: Clock;
  readonly ffmpeg: FfmpegProgram;
  /** Where this edge takes in what is pushed, and what must be shown there. */
  readonly edge: { readonly url: string; readonly ingestToken: string | undefined };
  /** What was taken in of a source; undefined where it is not known. */
  readonly fed: (source: string) => Fed | undefined;
  /** ffmpeg was started for a source; its arguments without what is secret. */
  readonly started: (source: string, command: string) => void;
  /** What is wrong with a source now. */
  readonly inTrouble: (source: string, trouble: Trouble) => void;
  /** What is wrong with a source however much of it is taken in; undefined: no longer. */
  readonly inLastingTrouble: (source: string, trouble: Trouble | undefined) => void;
  /** Something failed that should not. */
  readonly onFailure: (error: unknown) => void;
};

/** Begins to bring a source in with ffmpeg. */
export function openCommand(
  { name, input }: { readonly name: string; readonly input: CommandInput },
  tools: CommandTools,
): Input {
  const { clock, ffmpeg, edge, onFailure } = tools;
  return new SupervisedFfmpeg(input, {
    clock,
    random: Math.random,
    findFfmpeg: () => ffmpeg.find(),
    pushTo: { source: name, edgeUrl: edge.url, ingestToken: edge.ingestToken },
    fed: () => tools.fed(name),
    started: (shown) => tools.started(name, shown),
    inTrouble: (trouble) => tools.inTrouble(name, trouble),
    inLastingTrouble: (trouble) => tools.inLastingTrouble(name, trouble),
    notFound: (error) => {
      if (!(error instanceof FfmpegMissing)) throw error;
      return ffmpegMissing(ffmpeg.command, error.message);
    },
    onFailure,
  });
}
