import { readdirSync, readFileSync } from 'node:fs';
import { FfmpegProgram, ffmpegEnvironment } from '../../src/edge/input/command/ffmpeg-program.ts';
import { openCommand } from '../../src/edge/input/command/open-command.ts';
import type { Fed } from '../../src/edge/input/command/supervised-ffmpeg.ts';
import type { CommandInput } from '../../src/edge/input/configured-source.ts';
import type { Trouble } from '../../src/media/error.ts';
import { millis } from '../../src/media/units.ts';
import { SystemClock } from '../../src/runtime/clock.ts';

type Shown = { readonly name: string; readonly ingestedBytes: number };

/** A source that ffmpeg brings into an edge of another process. */
export class CommandSource implements AsyncDisposable {
  readonly troubles: Trouble[] = [];
  readonly commands: string[] = [];
  lasting: Trouble | undefined;
  #fed: Fed | undefined;
  readonly #input;
  readonly #looking;

  constructor(
    readonly name: string,
    edge: { readonly url: string; readonly ingestToken?: string },
    input: Partial<CommandInput>,
  ) {
    const clock = new SystemClock();
    this.#looking = clock.every(millis(500), () => void this.#look(edge.url));
    this.#input = openCommand(
      { name, input: { kind: 'command', input: [], output: ['-c', 'copy'], ...input } },
      {
        clock,
        ffmpeg: new FfmpegProgram('ffmpeg', ffmpegEnvironment(process.env, '127.0.0.1')),
        edge: { url: edge.url, ingestToken: edge.ingestToken },
        fed: () => this.#fed,
        started: (_, command) => this.commands.push(command),
        inTrouble: (_, trouble) => this.troubles.push(trouble),
        inLastingTrouble: (_, trouble) => {
          this.lasting = trouble;
        },
        onFailure: (error) => {
          throw error;
        },
      },
    );
  }

  async stop(): Promise<void> {
    this.#looking.cancel();
    await this.#input.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #look(url: string): Promise<void> {
    const answer = await fetch(`${url}/v1/sources`).catch(() => undefined);
    const sources = answer?.ok ? ((await answer.json()) as Shown[]) : [];
    const found = sources.find(({ name }) => name === this.name);
    if (found !== undefined) this.#fed = { ingestedBytes: found.ingestedBytes, targetDuration: 2 };
  }
}

/** The arguments of each ffmpeg that pushes this source, as any user of the machine reads them. */
export function ffmpegsOf(source: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(`/v1/ingest/${source}/index.m3u8`) && line.includes('ffmpeg'));
}
