import { LiveMixError } from '../../media/error.ts';
import { SerialQueue } from '../../runtime/serial-queue.ts';
import type { Source } from '../source.ts';
import { configTrouble } from '../trouble.ts';
import type { ConfiguredSource, ConfiguredSources, Input, SourceFault } from './configured-source.ts';
import { OnDemand } from './on-demand.ts';
import { type InputTools, openInput } from './open-input.ts';

/** Configurations that may wait for the one that is being applied. */
const MAX_WAITING = 8;

type Running = { readonly configured: ConfiguredSource; readonly input: Input };

/** The sources that an edge brings in by itself: those that are configured run, and no others. */
export class Inputs {
  readonly #running = new Map<string, Running>();
  readonly #applying = new SerialQueue(MAX_WAITING);
  #closed = false;
  /** Names that are at fault now. */
  #faulty: ReadonlySet<string> = new Set();

  constructor(
    private readonly tools: InputTools,
    /** Whether anybody wants the source now. */
    private readonly isWanted: (source: Source) => boolean,
  ) {}

  /**
   * The whole of what is configured from now on. What is new begins, what is gone ends, what has changed begins
   * anew, and what is as it was is not touched. What is at fault goes on as it was configured before.
   */
  configure({ sources, faults }: ConfiguredSources): Promise<void> {
    return this.#applying.run(async () => {
      if (this.#closed) return;
      const wanted = new Map(sources.map((source) => [source.name, source]));
      const faulty = new Set(faults.flatMap(({ name }) => name ?? []));
      const ending = [...this.#running].filter(
        ([name, { configured }]) => !faulty.has(name) && !areSame(configured, wanted.get(name)),
      );
      await Promise.all(ending.map(([name]) => this.#end(name)));
      for (const source of sources) if (!this.#running.has(source.name)) await this.#begin(source);
      for (const name of this.#faulty) {
        if (!faulty.has(name)) this.tools.ingest.sources.setFault(name, undefined);
      }
      this.#faulty = faulty;
      for (const fault of faults) this.#tell(fault);
      this.tools.events.sourcesConfigured(this.#running.size, ending.length, faults.length);
      this.tools.changed();
    });
  }

  /** Ends all of them. */
  close(): Promise<void> {
    return this.#applying.run(async () => {
      this.#closed = true;
      await Promise.all([...this.#running.keys()].map((name) => this.#end(name)));
    });
  }

  async #begin(configured: ConfiguredSource): Promise<void> {
    const { name, when } = configured;
    try {
      const source = await this.tools.ingest.sources.open(name);
      const open = () => openInput(configured, this.tools);
      const input = when === 'always' ? this.#openAlways(name, open) : this.#openOnDemand(source, open);
      this.#running.set(name, { configured, input });
    } catch (error) {
      if (!(error instanceof LiveMixError)) throw error;
      this.tools.inTrouble(name, { code: error.code, detail: error.message, hint: error.hint });
    }
  }

  #openAlways(name: string, open: () => Input): Input {
    this.tools.events.inputBegan(name);
    const input = open();
    return {
      stop: async () => {
        await input.stop();
        this.tools.events.inputEnded(name);
      },
    };
  }

  #openOnDemand(source: Source, open: () => Input): Input {
    return new OnDemand(source, {
      clock: this.tools.clock,
      isWanted: () => this.isWanted(source),
      open,
      changed: (runs) => {
        if (runs) this.tools.outOfTrouble(source.name);
        if (runs) this.tools.events.inputBegan(source.name);
        else this.tools.events.inputEnded(source.name);
        this.tools.changed();
      },
    });
  }

  async #end(name: string): Promise<void> {
    const { input } = this.#running.get(name)!;
    this.#running.delete(name);
    await input.stop();
    this.tools.outOfTrouble(name);
  }

  #tell(fault: SourceFault): void {
    this.tools.events.sourceMisconfigured(fault);
    if (fault.name !== undefined) this.tools.ingest.sources.setFault(fault.name, configTrouble(fault));
  }
}

const areSame = (one: ConfiguredSource, other: ConfiguredSource | undefined): boolean =>
  JSON.stringify(one) === JSON.stringify(other);
