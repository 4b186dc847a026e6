import { type Kysely, Migrator, sql } from 'kysely';
import { migrations as known } from './migrations.ts';

const TABLE = 'livemix_migration';

/** Brings the tables up to date, all or not at all. Refuses tables that a newer LiveMix made. */
export async function migrate<Tables>(database: Kysely<Tables>, migrations = known): Promise<void> {
  const done = await doneMigrations(database);
  const unknown = done.filter((name) => !(name in migrations));
  if (unknown.length > 0) {
    throw new Error(
      `The catalog was written by a newer LiveMix (it has ${unknown.join(', ')}). ` +
        'Run that version, or set LIVEMIX_DATABASE_URL to a backup from before the update.',
    );
  }
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableName: TABLE,
    migrationLockTableName: `${TABLE}_lock`,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

async function doneMigrations<Tables>(database: Kysely<Tables>): Promise<readonly string[]> {
  const tables = await database.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === TABLE)) return [];
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(TABLE)} order by name`.execute(
    database,
  );
  return rows.map(({ name }) => name);
}
