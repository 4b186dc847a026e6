import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import { NAME_PATTERN } from '../../media/name.ts';
import { isObjectKey } from '../../store/object-store.ts';
import { MAX_MULTIVARIANT_CHARACTERS } from '../../wire/link-messages.ts';
import { decodeRecord } from '../../wire/uplink.ts';

/** Where manifests lie. */
export const MANIFESTS = 'recordings/';
export const manifestKey = (id: string): string => `${MANIFESTS}${id}/manifest.json`;
export const isManifest = (key: string): boolean => /^recordings\/[^/]+\/manifest\.json$/.test(key);
/** Where the parts of a recording's manifest lie. */
export const partsOf = (id: string): string => `${MANIFESTS}${id}/parts/`;
/** A part has its digest for a name: what a manifest names is what it was written with, or is not there. */
export const partKey = (id: string, text: Buffer): string =>
  `${partsOf(id)}${createHash('sha256').update(text).digest('hex').slice(0, 32)}.json`;

const time = z.number();
const segments = z.array(
  z.object({
    rendition: z.string().regex(NAME_PATTERN),
    key: z.string().refine(isObjectKey).optional(),
    record: z.unknown(),
  }),
);
const part = z.object({ segments });
const manifest = z.object({
  /** 2: some of the segments stand in parts of their own. */
  version: z.union([z.literal(1), z.literal(2)]),
  recording: z.object({
    id: z.string().regex(/^[a-z0-9]{16}$/),
    source: z.string().regex(NAME_PATTERN),
    edge: z.string().regex(NAME_PATTERN),
    title: z.string().max(1000),
    from: time,
    until: time.optional(),
    createdAt: time,
    keep: z.boolean(),
    ended: z.enum(['settled', 'edge_lost']).optional(),
    endedAt: time.optional(),
    settledUntil: time,
    lostBefore: time.optional(),
    spool: z.string().max(64),
    lostReason: z.enum(['beyond_spool', 'spool_lost']),
    multivariant: z.string().max(MAX_MULTIVARIANT_CHARACTERS).optional(),
    refusedUntil: time.optional(),
  }),
  parts: z.array(z.string().refine(isObjectKey)).default([]),
  segments,
});

/** A recording and every record it has, as JSON: all that the catalog knows of it. `parts`: keys of those that stand apart. */
export function encodeManifest(
  recording: CatalogRecording,
  segments: readonly CatalogSegment[],
  parts: readonly string[] = [],
): Buffer {
  const apart = parts.length === 0 ? '' : `"parts":${JSON.stringify(parts)},`;
  const head = `"version":${parts.length === 0 ? 1 : 2},"recording":${JSON.stringify(recording)}`;
  return Buffer.from(`{${head},${apart}"segments":[\n${linesOf(segments)}\n]}\n`);
}

export const encodePart = (segments: readonly CatalogSegment[]): Buffer =>
  Buffer.from(`{"segments":[\n${linesOf(segments)}\n]}\n`);

const linesOf = (segments: readonly CatalogSegment[]): string =>
  segments.map(({ rendition, key, record }) => JSON.stringify({ rendition, key, record })).join(',\n');

export type Manifest = {
  readonly recording: CatalogRecording;
  /** Keys of the parts in which the rest of the segments stand. */
  readonly parts: readonly string[];
  readonly segments: readonly CatalogSegment[];
};

/** What a manifest says. Throws when it is none. */
export function decodeManifest(text: string): Manifest {
  const { recording, parts, segments } = manifest.parse(JSON.parse(text));
  const absent = {
    until: undefined,
    ended: undefined,
    endedAt: undefined,
    lostBefore: undefined,
    multivariant: undefined,
  };
  return {
    recording: { ...absent, ...recording } as CatalogRecording,
    parts,
    segments: rowsOf(recording.source, segments),
  };
}

/** The segments of a part. Throws when it is none, or another than its key says. */
export function decodePart(source: string, key: string, text: Buffer): readonly CatalogSegment[] {
  const id = key.split('/')[1] ?? '';
  if (partKey(id, text) !== key) throw new Error('it is not what it was written as');
  return rowsOf(source, part.parse(JSON.parse(text.toString())).segments);
}

const rowsOf = (source: string, rows: z.infer<typeof segments>): readonly CatalogSegment[] =>
  rows.map(({ rendition, key, record }) => ({ source, rendition, key, record: decodeRecord(record) }));
