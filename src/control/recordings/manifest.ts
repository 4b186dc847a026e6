import { z } from 'zod';
import type { CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import { NAME_PATTERN } from '../../media/name.ts';
import { isObjectKey } from '../../store/object-store.ts';
import { MAX_MULTIVARIANT_CHARACTERS } from '../../wire/link-messages.ts';
import { decodeRecord } from '../../wire/uplink.ts';

/** Where manifests lie. */
export const MANIFESTS = 'recordings/';
export const manifestKey = (id: string): string => `${MANIFESTS}${id}/manifest.json`;

const time = z.number();
const manifest = z.object({
  version: z.literal(1),
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
  }),
  segments: z.array(
    z.object({
      rendition: z.string().regex(NAME_PATTERN),
      key: z.string().refine(isObjectKey).optional(),
      record: z.unknown(),
    }),
  ),
});

/** A recording and every record it has, as JSON: all that the catalog knows of it. */
export function encodeManifest(recording: CatalogRecording, segments: readonly CatalogSegment[]): Buffer {
  const listed = segments.map(({ rendition, key, record }) => JSON.stringify({ rendition, key, record }));
  const head = JSON.stringify(recording);
  return Buffer.from(`{"version":1,"recording":${head},"segments":[\n${listed.join(',\n')}\n]}\n`);
}

/** What a manifest says. Throws when it is none. */
export function decodeManifest(text: string): {
  readonly recording: CatalogRecording;
  readonly segments: readonly CatalogSegment[];
} {
  const { recording, segments } = manifest.parse(JSON.parse(text));
  const absent = {
    until: undefined,
    ended: undefined,
    endedAt: undefined,
    lostBefore: undefined,
    multivariant: undefined,
  };
  return {
    recording: { ...absent, ...recording } as CatalogRecording,
    segments: segments.map(({ rendition, key, record }) => ({
      source: recording.source,
      rendition,
      key,
      record: decodeRecord(record),
    })),
  };
}
