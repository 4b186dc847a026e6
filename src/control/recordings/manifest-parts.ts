import { createHash } from 'node:crypto';
import type { CatalogSegment } from '../../catalog/catalog.ts';
import type { RecordedRows } from './recorded-segments.ts';

/** A recording of fewer segments has one manifest, without parts. */
const WHOLE_UP_TO = 2_000;
/** Numbers of segments that make one part. */
const NUMBERS = 1_000;

/** Segments that stand together in a part, and something that is another when they are. */
export type Part = { readonly segments: readonly CatalogSegment[]; readonly print: string };

/**
 * A long recording in parts, so that its manifest is not written whole each minute while it grows. Which part a
 * segment stands in depends on its number alone: what comes late changes one of them. The newest ones of each
 * rendition stand in none, since more will follow.
 */
export function inParts(rows: RecordedRows): {
  readonly parts: readonly Part[];
  readonly rest: readonly CatalogSegment[];
} {
  if (rows.length <= WHOLE_UP_TO) return { parts: [], rest: rows };
  const byPlace = new Map<string, CatalogSegment[]>();
  const newest = new Map<string, string>();
  for (const row of rows) {
    const place = `${row.rendition}/${Math.floor(row.record.sequence / NUMBERS)}`;
    const there = byPlace.get(place);
    if (there === undefined) byPlace.set(place, [row]);
    else there.push(row);
    newest.set(row.rendition, place);
  }
  const open = new Set(newest.values());
  const closed = [...byPlace].filter(([place]) => !open.has(place));
  return {
    parts: closed.map(([, segments]) => ({ segments, print: printOf(segments) })),
    rest: [...byPlace].filter(([place]) => open.has(place)).flatMap(([, segments]) => segments),
  };
}

/** All that may ever change of a row is whether it is a gap, and where its object lies. */
function printOf(rows: readonly CatalogSegment[]): string {
  const hash = createHash('sha256');
  for (const { rendition, key, record } of rows) {
    hash.update(`${rendition} ${record.sequence} ${record.digest} ${record.gap ?? ''} ${key ?? ''}\n`);
  }
  return hash.digest('base64url');
}
