import { type Kysely, sql } from 'kysely';
import { type Span, unionOf } from '../media/span.ts';
import { type EpochMs, epochMs } from '../media/units.ts';
import { chunksOf, VALUES_AT_ONCE } from './chunks-of.ts';
import type { Tables } from './tables.ts';

/** A stretch of time that no recording of a source covers: `[from, until)`, without an end where one is undefined. */
type Uncovered = { readonly from: EpochMs | undefined; readonly until: EpochMs | undefined };

/**
 * Takes at most `limit` segments out that no recording covers and dooms their objects, in one transaction. Asks
 * only for what begins between the recordings, so it costs nothing where everything is covered.
 */
export function dropUncovered(database: Kysely<Tables>, limit: number): Promise<number> {
  return database.transaction().execute(async (transaction) => {
    const spans = await spansBySource(transaction);
    let dropped = 0;
    for (const source of await sourcesWithSegments(transaction)) {
      for (const uncovered of outside(spans.get(source) ?? [])) {
        if (dropped >= limit) return dropped;
        dropped += await dropWithin(transaction, source, uncovered, limit - dropped);
      }
    }
    return dropped;
  });
}

async function spansBySource(database: Kysely<Tables>): Promise<ReadonlyMap<string, readonly Span[]>> {
  const rows = await database.selectFrom('recording').select(['source', 'span_from', 'span_until']).execute();
  const spans = new Map<string, Span[]>();
  for (const { source, span_from: from, span_until: until } of rows) {
    const span = { from: epochMs(from), ...(until !== null && { until: epochMs(until) }) };
    const known = spans.get(source);
    if (known === undefined) spans.set(source, [span]);
    else known.push(span);
  }
  return spans;
}

/** From one source to the next: no database finds the few names among millions of rows by itself. */
async function sourcesWithSegments(database: Kysely<Tables>): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    with recursive holder (name) as (
      select min(source) from segment
      union all
      select (select min(source) from segment where source > holder.name) from holder where name is not null
    )
    select name from holder where name is not null`.execute(database);
  return rows.map(({ name }) => name);
}

/** The time before, between and after spans. */
function* outside(spans: readonly Span[]): Generator<Uncovered> {
  let from: EpochMs | undefined;
  for (const span of unionOf(spans)) {
    yield { from, until: span.from };
    if (span.until === undefined) return;
    from = span.until;
  }
  yield { from, until: undefined };
}

/** What begins in this stretch and is not covered: the last one may reach into the next recording. */
async function dropWithin(
  database: Kysely<Tables>,
  source: string,
  { from, until }: Uncovered,
  limit: number,
): Promise<number> {
  let candidates = database.selectFrom('segment').where('segment.source', '=', source);
  if (from !== undefined) candidates = candidates.where('segment.at', '>=', from);
  if (until !== undefined) candidates = candidates.where('segment.at', '<', until);
  const uncovered = candidates
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('recording')
            .select('recording.id')
            .whereRef('recording.source', '=', 'segment.source')
            .whereRef('recording.span_from', '<', 'segment.end_at')
            .where(({ or, and, eb, ref }) =>
              or([
                eb('recording.span_until', 'is', null),
                and([
                  eb('recording.span_until', '>', ref('segment.at')),
                  eb('recording.span_until', '>', ref('recording.span_from')),
                ]),
              ]),
            ),
        ),
      ),
    )
    .select(['segment.source', 'segment.rendition', 'segment.sequence'])
    .orderBy('segment.at')
    .limit(limit);
  const rows = await database
    .deleteFrom('segment')
    .where(({ eb, refTuple }) =>
      eb(
        refTuple('source', 'rendition', 'sequence'),
        'in',
        uncovered.$asTuple('source', 'rendition', 'sequence'),
      ),
    )
    .returning('object_key')
    .execute();
  await insertDoomed(
    database,
    rows.flatMap(({ object_key }) => object_key ?? []),
  );
  return rows.length;
}

/** At most `limit` keys of objects that are to be removed from the store. */
export async function doomed(database: Kysely<Tables>, limit: number): Promise<readonly string[]> {
  const rows = await database
    .selectFrom('doomed_object')
    .select('object_key')
    .orderBy('object_key')
    .limit(limit)
    .execute();
  return rows.map(({ object_key }) => object_key);
}

/** Dooms objects, except those that a segment names. */
export function doom(database: Kysely<Tables>, keys: readonly string[]): Promise<void> {
  return database.transaction().execute(async (transaction) => {
    const named = await keysInRows(transaction, keys);
    await insertDoomed(
      transaction,
      keys.filter((key) => !named.has(key)),
    );
  });
}

async function insertDoomed(database: Kysely<Tables>, keys: readonly string[]): Promise<void> {
  for (const some of chunksOf(keys, VALUES_AT_ONCE)) {
    await database
      .insertInto('doomed_object')
      .values(some.map((object_key) => ({ object_key })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

/** These objects are removed from the store. */
export function undoom(database: Kysely<Tables>, keys: readonly string[]): Promise<void> {
  return database.transaction().execute(async (transaction) => {
    for (const some of chunksOf(keys, VALUES_AT_ONCE)) {
      await transaction.deleteFrom('doomed_object').where('object_key', 'in', some).execute();
    }
  });
}

/** Which of these keys a segment or a doomed row names. A key goes from the one to the other, never back. */
export async function knownKeys(
  database: Kysely<Tables>,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  const named = await keysInRows(database, keys);
  return new Set([...named, ...(await keysThatAreDoomed(database, keys))]);
}

/** Which of these keys a segment names. */
export async function keysInRows(
  database: Kysely<Tables>,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const some of chunksOf(keys, VALUES_AT_ONCE)) {
    const rows = await database
      .selectFrom('segment')
      .select('object_key')
      .where('object_key', 'in', some)
      .execute();
    for (const { object_key } of rows) if (object_key !== null) found.add(object_key);
  }
  return found;
}

/** Which of these keys are doomed. */
export async function keysThatAreDoomed(
  database: Kysely<Tables>,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const some of chunksOf(keys, VALUES_AT_ONCE)) {
    const rows = await database
      .selectFrom('doomed_object')
      .select('object_key')
      .where('object_key', 'in', some)
      .execute();
    for (const { object_key } of rows) found.add(object_key);
  }
  return found;
}
