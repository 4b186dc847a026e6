import type { Kysely } from 'kysely';
import { epochMs } from '../media/units.ts';
import type { CatalogSource } from './catalog.ts';
import type { SourceRow, Tables } from './tables.ts';

/** All sources that ever were, by name. */
export async function sources(database: Kysely<Tables>): Promise<readonly CatalogSource[]> {
  const rows = await database.selectFrom('source').selectAll().orderBy('name').execute();
  return rows.map(sourceOf);
}

/** Writes a source, new or known by its name. */
export async function saveSource(database: Kysely<Tables>, source: CatalogSource): Promise<void> {
  const { name, ...rest } = rowOf(source);
  await database
    .insertInto('source')
    .values({ name, ...rest })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(rest))
    .execute();
}

const sourceOf = (row: SourceRow): CatalogSource => ({
  name: row.name,
  edge: row.edge ?? undefined,
  mode: row.mode,
  spool: row.spool,
  reservedSequence: row.reserved_sequence,
  reservedDiscontinuity: row.reserved_discontinuity,
  multivariant: row.multivariant ?? undefined,
  createdAt: epochMs(row.created_at),
});

const rowOf = (source: CatalogSource): SourceRow => ({
  name: source.name,
  edge: source.edge ?? null,
  mode: source.mode,
  spool: source.spool,
  reserved_sequence: source.reservedSequence,
  reserved_discontinuity: source.reservedDiscontinuity,
  multivariant: source.multivariant ?? null,
  created_at: source.createdAt,
});
