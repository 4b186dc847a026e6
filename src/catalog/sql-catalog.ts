import type { Kysely } from 'kysely';
import { epochMs } from '../media/units.ts';
import type { Catalog, CatalogSource, SourceMode } from './catalog.ts';

/** The tables, as `migrations.ts` makes them. */
export type Tables = { source: SourceRow };

type SourceRow = {
  name: string;
  edge: string | null;
  mode: SourceMode;
  spool: string;
  reserved_sequence: number;
  reserved_discontinuity: number;
  created_at: number;
};

/** The catalog in a database that kysely speaks to. */
export class SqlCatalog implements Catalog {
  readonly #database: Kysely<Tables>;
  readonly #underWay = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  constructor(database: Kysely<Tables>) {
    this.#database = database;
  }

  sources(): Promise<readonly CatalogSource[]> {
    return this.#do(async () => {
      const rows = await this.#database.selectFrom('source').selectAll().orderBy('name').execute();
      return rows.map(sourceOf);
    });
  }

  saveSource(source: CatalogSource): Promise<void> {
    return this.#do(async () => {
      const { name, ...rest } = rowOf(source);
      await this.#database
        .insertInto('source')
        .values({ name, ...rest })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(rest))
        .execute();
    });
  }

  close(): Promise<void> {
    this.#closed ??= Promise.allSettled(this.#underWay).then(() => this.#database.destroy());
    return this.#closed;
  }

  /** Notes what is under way: `close` waits for it. */
  async #do<T>(task: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw new Error('the catalog is closed');
    const running = task();
    this.#underWay.add(running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(running);
    }
  }
}

const sourceOf = (row: SourceRow): CatalogSource => ({
  name: row.name,
  edge: row.edge ?? undefined,
  mode: row.mode,
  spool: row.spool,
  reservedSequence: row.reserved_sequence,
  reservedDiscontinuity: row.reserved_discontinuity,
  createdAt: epochMs(row.created_at),
});

const rowOf = (source: CatalogSource): SourceRow => ({
  name: source.name,
  edge: source.edge ?? null,
  mode: source.mode,
  spool: source.spool,
  reserved_sequence: source.reservedSequence,
  reserved_discontinuity: source.reservedDiscontinuity,
  created_at: source.createdAt,
});
