import type { Catalog, CatalogSource, SourceMode } from '../../catalog/catalog.ts';
import { LiveMixError } from '../../media/error.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { SourceReport } from '../../wire/link-messages.ts';
import type { ControlEvents } from '../events.ts';
import { type OwnerLink, Source } from './source.ts';

/** Sources that one control node knows; more are refused. */
const MAX_SOURCES = 10_000;

/** Every source control knows, and who owns its name. What must last is in the catalog. */
export class Sources {
  readonly #sources = new Map<string, Source>();

  private constructor(
    private readonly catalog: Catalog,
    private readonly clock: Clock,
    private readonly events: ControlEvents,
  ) {}

  static async open(catalog: Catalog, clock: Clock, events: ControlEvents): Promise<Sources> {
    const sources = new Sources(catalog, clock, events);
    for (const entry of await catalog.sources()) sources.#sources.set(entry.name, new Source(entry));
    return sources;
  }

  /** Those whose name is owned, by name. */
  get all(): readonly Source[] {
    return [...this.#sources.values()]
      .filter((source) => source.entry.edge !== undefined)
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  find(name: string): Source | undefined {
    const source = this.#sources.get(name);
    return source?.entry.edge === undefined ? undefined : source;
  }

  /** As `find`; throws `source_unknown`. */
  get(name: string): Source {
    const source = this.find(name);
    if (source === undefined) throw new LiveMixError('source_unknown', 'There is no source of that name.');
    return source;
  }

  ownedBy(edge: string): readonly Source[] {
    return [...this.#sources.values()].filter((source) => source.entry.edge === edge);
  }

  /** Names that this edge reports and another one owns. */
  rivalOf(edge: string): readonly Source[] {
    return [...this.#sources.values()].filter((source) => source.rivals.has(edge));
  }

  /** What an edge says of its sources. A name belongs to the first edge that reports it. */
  async reported(link: OwnerLink, reports: readonly SourceReport[]): Promise<void> {
    const named = new Set(reports.map((report) => report.name));
    for (const source of this.#sources.values()) if (!named.has(source.name)) source.rivals.delete(link.edge);
    for (const report of reports) await this.#reportedOne(link, report);
  }

  /** The playlist that names a source's renditions, as its owner made it. False when that was known, or is not its to say. */
  async described(link: OwnerLink, name: string, multivariant: string | undefined): Promise<boolean> {
    const source = this.find(name);
    if (source === undefined || source.link !== link || source.entry.multivariant === multivariant)
      return false;
    await this.#save(source, { multivariant });
    return true;
  }

  /** The edge is gone: what it last said stays, but is old. */
  linkClosed(link: OwnerLink): void {
    for (const source of this.#sources.values()) {
      if (source.link === link) source.link = undefined;
      source.rivals.delete(link.edge);
    }
  }

  async setMode(source: Source, mode: SourceMode): Promise<void> {
    if (source.entry.mode === mode) return;
    await this.#save(source, { mode });
    this.events.modeChanged(source.name, mode);
  }

  /** Frees the name. The numbers that were used stay known for ever, so that a player never sees one twice. */
  async delete(source: Source): Promise<void> {
    await this.#save(source, { edge: undefined, multivariant: undefined });
    source.link = undefined;
    source.report = undefined;
    source.rivals.clear();
    this.events.sourceDeleted(source.name);
  }

  async #reportedOne(link: OwnerLink, report: SourceReport): Promise<void> {
    const source = this.#sources.get(report.name) ?? this.#appear(link, report);
    if (source === undefined) return;
    const owner = source.entry.edge;
    if (owner !== undefined && owner !== link.edge) {
      source.rivals.add(link.edge);
      this.events.sourceTaken(source.name, owner, link.edge);
      return;
    }
    source.link = link;
    source.report = report;
    if (owner === undefined) await this.#save(source, { edge: link.edge });
    await this.#follow(source, link, report);
  }

  /** Keeps the numbers that a spool has reserved: another spool must begin above them. */
  async #follow(source: Source, link: OwnerLink, report: SourceReport): Promise<void> {
    const { entry } = source;
    const { reservedSequence, reservedDiscontinuity, floor } = report;
    const keepsFloor =
      floor.sequence >= entry.reservedSequence && floor.discontinuity >= entry.reservedDiscontinuity;
    if (!source.spoolKnown && !(keepsFloor && reservedSequence > 0)) return;
    const news =
      !source.spoolKnown ||
      reservedSequence > entry.reservedSequence ||
      reservedDiscontinuity > entry.reservedDiscontinuity;
    if (!news) return;
    await this.#save(source, {
      spool: link.spool,
      reservedSequence: Math.max(reservedSequence, entry.reservedSequence),
      reservedDiscontinuity: Math.max(reservedDiscontinuity, entry.reservedDiscontinuity),
    });
  }

  #appear(link: OwnerLink, report: SourceReport): Source | undefined {
    if (this.#sources.size >= MAX_SOURCES) return undefined;
    const source = new Source({
      name: report.name,
      edge: undefined,
      mode: 'on-demand',
      spool: '',
      reservedSequence: 0,
      reservedDiscontinuity: 0,
      multivariant: undefined,
      createdAt: this.clock.now(),
    });
    this.#sources.set(report.name, source);
    this.events.sourceAppeared(report.name, link.edge);
    return source;
  }

  async #save(source: Source, change: Partial<CatalogSource>): Promise<void> {
    source.entry = { ...source.entry, ...change };
    await this.catalog.saveSource(source.entry);
  }
}
