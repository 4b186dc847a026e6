import type { Kysely } from 'kysely';
import { epochMs } from '../media/units.ts';
import type { CatalogRecording } from './catalog.ts';
import type { RecordingRow, Tables } from './tables.ts';

/** All recordings, newest first. */
export async function recordings(database: Kysely<Tables>): Promise<readonly CatalogRecording[]> {
  const rows = await database
    .selectFrom('recording')
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .execute();
  return rows.map(recordingOf);
}

/** Writes a recording, new or known by its id. */
export async function saveRecording(database: Kysely<Tables>, recording: CatalogRecording): Promise<void> {
  const { id, ...rest } = rowOf(recording);
  await database
    .insertInto('recording')
    .values({ id, ...rest })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(rest))
    .execute();
}

/** Forgets a recording; its segments stay until `dropUncovered` finds them. */
export async function deleteRecording(database: Kysely<Tables>, id: string): Promise<void> {
  await database.deleteFrom('recording').where('id', '=', id).execute();
}

const recordingOf = (row: RecordingRow): CatalogRecording => ({
  id: row.id,
  source: row.source,
  edge: row.edge,
  title: row.title,
  from: epochMs(row.span_from),
  until: momentOf(row.span_until),
  createdAt: epochMs(row.created_at),
  keep: row.keep === 1,
  ended: row.ended ?? undefined,
  endedAt: momentOf(row.ended_at),
  settledUntil: epochMs(row.settled_until),
  lostBefore: momentOf(row.lost_before),
  spool: row.spool,
  lostReason: row.lost_reason,
  multivariant: row.multivariant ?? undefined,
  ...(row.refused_until !== null && { refusedUntil: epochMs(row.refused_until) }),
});

const rowOf = (recording: CatalogRecording): RecordingRow => ({
  id: recording.id,
  source: recording.source,
  edge: recording.edge,
  title: recording.title,
  span_from: recording.from,
  span_until: recording.until ?? null,
  created_at: recording.createdAt,
  keep: recording.keep ? 1 : 0,
  ended: recording.ended ?? null,
  ended_at: recording.endedAt ?? null,
  settled_until: recording.settledUntil,
  lost_before: recording.lostBefore ?? null,
  spool: recording.spool,
  lost_reason: recording.lostReason,
  multivariant: recording.multivariant ?? null,
  refused_until: recording.refusedUntil ?? null,
});

const momentOf = (column: number | null) => (column === null ? undefined : epochMs(column));
