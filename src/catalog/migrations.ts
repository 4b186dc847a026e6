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
  '0002-recordings': {
    async up(database: Kysely<unknown>) {
      await sql`
        create table recording (
          id text primary key,
          source text not null,
          edge text not null,
          title text not null,
          span_from integer not null,
          span_until integer,
          created_at integer not null,
          keep integer not null check (keep in (0, 1)),
          ended text check (ended in ('settled', 'edge_lost')),
          ended_at integer,
          settled_until integer not null,
          lost_before integer,
          spool text not null,
          lost_reason text not null check (lost_reason in ('beyond_spool', 'spool_lost'))
        ) strict`.execute(database);
      await sql`create index recording_span on recording (source, span_from, span_until)`.execute(database);
      await sql`
        create table segment (
          source text not null,
          rendition text not null,
          sequence integer not null,
          at integer not null,
          end_at integer not null,
          digest text not null,
          bytes integer not null,
          gap text,
          object_key text,
          record text not null,
          primary key (source, rendition, sequence)
        ) strict`.execute(database);
      // All that a question about a time asks of many rows, so that their records are not read: 1 KB to 100 bytes.
      await sql`create index segment_time on segment (source, at, end_at, rendition, sequence, bytes)`.execute(
        database,
      );
      // An object of two segments would be removed with the first.
      await sql`create unique index segment_object on segment (object_key) where object_key is not null`.execute(
        database,
      );
      await sql`create table doomed_object (object_key text primary key) strict`.execute(database);
    },
  },
  '0003-renditions': {
    async up(database: Kysely<unknown>) {
      await sql`alter table source add column multivariant text`.execute(database);
      await sql`alter table recording add column multivariant text`.execute(database);
    },
  },
  '0004-refused': {
    async up(database: Kysely<unknown>) {
      await sql`alter table recording add column refused_until integer`.execute(database);
    },
  },
};
