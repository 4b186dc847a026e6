import { z } from 'zod';
import { NAME_PATTERN } from '../../media/name.ts';
import type { Span } from '../../media/span.ts';
import { epochMs } from '../../media/units.ts';
import type { KeepSpan } from '../../wire/link-messages.ts';
import { readState, replaceState } from './state-file.ts';

const stateSchema = z.object({
  sources: z.record(
    z.string().regex(NAME_PATTERN),
    z.array(z.object({ from: z.number(), until: z.number().nullable() })),
  ),
});

type State = z.infer<typeof stateSchema>;

/**
 * What recordings want of each source, over any end of the edge: storms take power and the line together, and an
 * edge that comes back without control goes on recording. One small file, replaced and synced.
 */
export class KeepFile {
  /** Writes follow each other; a later one holds all that an earlier one did. */
  #writing: Promise<void> = Promise.resolve();
  /** What was written last. */
  #onDisk: ReadonlyMap<string, readonly Span[]>;

  private constructor(
    private readonly file: string,
    private readonly spans: Map<string, readonly Span[]>,
  ) {
    this.#onDisk = new Map(spans);
  }

  static async open(file: string): Promise<KeepFile> {
    const found = await readState(file);
    if (found === undefined) return new KeepFile(file, new Map());
    const parsed = stateSchema.safeParse(found);
    if (!parsed.success) throw new Error(`${file} is not of LiveMix; move it away to start anew`);
    const entries = Object.entries(parsed.data.sources);
    return new KeepFile(file, new Map(entries.map(([source, spans]) => [source, spans.map(spanOf)])));
  }

  of(source: string): readonly Span[] {
    return this.spans.get(source) ?? [];
  }

  /** Sources of which something is wanted. */
  get sources(): Iterable<string> {
    return this.spans.keys();
  }

  /** Durable when it resolves. False when nothing changed. What could not be written stays news. */
  async set(source: string, spans: readonly Span[]): Promise<boolean> {
    if (areSame(spans, this.of(source)) && areSame(spans, this.#onDisk.get(source) ?? [])) return false;
    if (spans.length === 0) this.spans.delete(source);
    else this.spans.set(source, spans);
    const written = this.#writing.then(() => this.#write(new Map(this.spans)));
    this.#writing = written.catch(() => undefined);
    await written;
    return true;
  }

  async #write(spans: ReadonlyMap<string, readonly Span[]>): Promise<void> {
    const entries = [...spans].map(([source, of]) => [source, of.map(keepSpanOf)]);
    await replaceState(this.file, { sources: Object.fromEntries(entries) } satisfies State);
    this.#onDisk = spans;
  }
}

/** Whether these are the same spans in the same order. */
export const areSame = (some: readonly Span[], others: readonly Span[]): boolean =>
  JSON.stringify(some) === JSON.stringify(others);

export const spanOf = ({ from, until }: KeepSpan): Span => ({
  from: epochMs(from),
  ...(until !== null && { until: epochMs(until) }),
});

const keepSpanOf = ({ from, until }: Span): KeepSpan => ({ from, until: until ?? null });
