import { type Kysely, type Migration, sql } from 'kysely';

/**
 * The tables, as steps that were released: a step is never changed, later ones are added at the end. They lead
 * forward only; the way back is a backup. Names sort in their order.
 */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-sources': {
    async up(database: Kysely<unknown>) {
      await sql`
        create table source (
          name text primary key,
          edge text,
          mode text not null check (mode in ('on-demand', 'always', 'off')),
          spool text not null,
          reserved_sequence integer not null,
          reserved_discontinuity integer not null,
          created_at integer not null
        ) strict`.execute(database);
    },
  },
};
