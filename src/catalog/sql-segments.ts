import type { Kysely } from 'kysely';
import type { SegmentRecord } from '../media/segment-record.ts';
import { endOf, isEmpty, type Span } from '../media/span.ts';
import { type Bytes, bytes } from '../media/units.ts';
import type { CatalogSegment } from './catalog.ts';
import { chunksOf, VALUES_AT_ONCE } from './chunks-of.ts';
import { keysInRows, keysThatAreDoomed } from './sql-objects.ts';
import type { SegmentRow, Tables } from './tables.ts';

/** No segment lasts longer, so the ones that overlap a moment began at most this long before it. */
const LONGEST_MS = 60_000;
/** Rows that are asked for at once: reading them out of their message and their JSON takes some 5 ms. */
const PAGE = 1000;
const ROWS_AT_ONCE = 100;

/** Writes segments and gaps, all or none. Answers with the keys of objects that were not taken. */
export function addSegments(
  database: Kysely<Tables>,
  segments: readonly CatalogSegment[],
): Promise<readonly string[]> {
  const keys = [...new Set(segments.flatMap(({ key }) => key ?? []))];
  return database.transaction().execute(async (transaction) => {
    const doomed = await keysThatAreDoomed(transaction, keys);
    const lasting = segments.filter(({ key }) => key === undefined || !doomed.has(key));
    for (const rows of chunksOf(oneForEachNumber(lasting).map(rowOf), ROWS_AT_ONCE)) {
      await transaction
        .insertInto('segment')
        .values([...rows])
        .onConflict((conflict) =>
          conflict
            .columns(['source', 'rendition', 'sequence'])
            .doUpdateSet(({ ref }) => ({
              at: ref('excluded.at'),
              end_at: ref('excluded.end_at'),
              digest: ref('excluded.digest'),
              bytes: ref('excluded.bytes'),
              gap: ref('excluded.gap'),
              object_key: ref('excluded.object_key'),
              record: ref('excluded.record'),
            }))
            .where('segment.gap', 'is not', null)
            .where('excluded.gap', 'is', null),
        )
        .execute();
    }
    const taken = await keysInRows(transaction, keys);
    return keys.filter((key) => !taken.has(key));
  });
}

/** The first of those that share a number; media goes before gaps. */
function oneForEachNumber(segments: readonly CatalogSegment[]): readonly CatalogSegment[] {
  const chosen = new Map<string, CatalogSegment>();
  for (const segment of segments) {
    const number = JSON.stringify([segment.source, segment.rendition, segment.record.sequence]);
    const known = chosen.get(number);
    if (known === undefined || (isGap(known) && !isGap(segment))) {
      chosen.set(number, segment);
    }
  }
  return [...chosen.values()];
}

const isGap = ({ record }: CatalogSegment): boolean => record.gap !== undefined;

/** Writes what is known of a segment by now, where it still stands under its number and key. */
export async function restateSegment(database: Kysely<Tables>, segment: CatalogSegment): Promise<void> {
  const { source, rendition, sequence, object_key, ...rest } = rowOf(segment);
  await database
    .updateTable('segment')
    .set(rest)
    .where('source', '=', source)
    .where('rendition', '=', rendition)
    .where('sequence', '=', sequence)
    .where('object_key', '=', object_key)
    .execute();
}

/**
 * The segments of a source that overlap a span, by rendition and number. A day of them would stop the event loop
 * if it came at once, so it comes in pages. A segment that is there all the while is in exactly one.
 */
export async function segmentsWithin(
  database: Kysely<Tables>,
  source: string,
  span: Span,
): Promise<readonly CatalogSegment[]> {
  if (isEmpty(span)) return [];
  const { from, until } = span;
  let overlapping = database
    .selectFrom('segment')
    .where('source', '=', source)
    .where('at', '>=', from - LONGEST_MS)
    .where('end_at', '>', from);
  if (until !== undefined) overlapping = overlapping.where('at', '<', until);
  const renditions = await overlapping
    .select(({ fn }) => ['rendition', fn.min('sequence').as('first'), fn.max('sequence').as('last')])
    .groupBy('rendition')
    .orderBy('rendition')
    .execute();
  const found: CatalogSegment[] = [];
  for (const { rendition, first, last } of renditions) {
    const page = overlapping
      .select(['source', 'rendition', 'object_key', 'record'])
      .where('rendition', '=', rendition)
      .where('sequence', '<=', last)
      .orderBy('sequence')
      .limit(PAGE);
    for (let next = first; next <= last; ) {
      const segments = (await page.where('sequence', '>=', next).execute()).map(segmentOf);
      found.push(...segments);
      next = segments.length < PAGE ? last + 1 : segments.at(-1)!.record.sequence + 1;
    }
  }
  return found;
}

/** One segment by its number, or undefined. */
export async function segmentNumbered(
  database: Kysely<Tables>,
  source: string,
  rendition: string,
  sequence: number,
): Promise<CatalogSegment | undefined> {
  const [segment] = await storedOf(database, source, rendition, [sequence]);
  return segment;
}

/** The segments and gaps that have one of these numbers, by number. */
export async function storedOf(
  database: Kysely<Tables>,
  source: string,
  rendition: string,
  sequences: readonly number[],
): Promise<readonly CatalogSegment[]> {
  const ascending = [...new Set(sequences)].sort((a, b) => a - b);
  const found: CatalogSegment[] = [];
  for (const some of chunksOf(ascending, VALUES_AT_ONCE)) {
    const rows = await database
      .selectFrom('segment')
      .select(['source', 'rendition', 'object_key', 'record'])
      .where('source', '=', source)
      .where('rendition', '=', rendition)
      .where('sequence', 'in', some)
      .orderBy('sequence')
      .execute();
    found.push(...rows.map(segmentOf));
  }
  return found;
}

/** Bytes of all stored segments. */
export async function storedBytes(database: Kysely<Tables>): Promise<Bytes> {
  const { sum } = await database
    .selectFrom('segment')
    .select(({ fn }) => fn.sum('bytes').as('sum'))
    .executeTakeFirstOrThrow();
  return bytes(Number(sum ?? 0));
}

/** Records were checked when they came over the wire: they are not checked again. */
const segmentOf = (
  row: Pick<SegmentRow, 'source' | 'rendition' | 'object_key' | 'record'>,
): CatalogSegment => ({
  source: row.source,
  rendition: row.rendition,
  record: JSON.parse(row.record) as SegmentRecord,
  key: row.object_key ?? undefined,
});

const rowOf = ({ source, rendition, record, key }: CatalogSegment): SegmentRow => ({
  source,
  rendition,
  sequence: record.sequence,
  at: record.at,
  end_at: endOf(record),
  digest: record.digest,
  bytes: record.bytes,
  gap: record.gap ?? null,
  object_key: key ?? null,
  record: JSON.stringify(record),
});
