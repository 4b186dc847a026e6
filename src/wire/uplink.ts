import { z } from 'zod';
import { MAX_CARRIED } from '../media/carried.ts';
import { gapReasons, MAX_TITLE, type SegmentRecord } from '../media/segment-record.ts';

/**
 * How segments cross: records go ahead of bytes, and the answer names which bytes are lacking.
 *
 * `POST /edge/v1/records/{source}/{rendition}` with `{ records }` → 200 `RecordsAnswer`
 * `PUT  /edge/v1/segments/{source}/{rendition}/{sequence}` with Content-Length and Content-Digest → 201, 200 when already held
 *
 * Both carry `LiveMix-Edge` and `LiveMix-Link`, the generation of the edge's newest link.
 */
export const EDGE_HEADER = 'livemix-edge';
export const LINK_HEADER = 'livemix-link';
export const LINK_PATH = '/edge/v1/link';
export const recordsPath = (source: string, rendition: string) => `/edge/v1/records/${source}/${rendition}`;
export const segmentPath = (source: string, rendition: string, sequence: number) =>
  `/edge/v1/segments/${source}/${rendition}/${sequence}`;

export const MAX_RECORDS_BYTES = 1024 * 1024;
/** The largest segment that crosses: 50 Mbit/s for 5 s. */
export const MAX_SEGMENT_BYTES = 32 * 1024 * 1024;

export const sequence = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);

const encoderSegment = z.strictObject({
  sequence,
  name: z.string().max(1024),
  bytes: z.number().int().nonnegative(),
  modifiedAt: z.number(),
  targetDuration: z.number().nonnegative(),
});

const digest = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const text = z
  .string()
  .max(4096)
  .regex(/^[^\r\n\0]*$/);
const line = text.startsWith('#');
const lines = z.array(line).max(4096);
const carried = z.strictObject({
  sequence,
  digest,
  bytes: z.number().int().positive().max(MAX_SEGMENT_BYTES),
  extension: z.string().regex(/^[a-z0-9]{2,6}$/),
});

/** A record on its way. What the types of `SegmentRecord` say, this checks. */
export const segmentRecord = z
  .strictObject({
    sequence,
    at: z.number().int().nonnegative(),
    duration: z.number().positive().max(60),
    title: text.max(MAX_TITLE).optional(),
    digest: z.string().regex(/^([A-Za-z0-9_-]{43})?$/),
    bytes: z.number().int().nonnegative().max(MAX_SEGMENT_BYTES),
    extension: z.string().regex(/^[a-z0-9]{2,6}$/),
    discontinuity: z.boolean(),
    discontinuitySequence: z.number().int().nonnegative(),
    targetDuration: z.number().int().min(1).max(60),
    listFrom: sequence,
    gap: z.enum(gapReasons).optional(),
    own: z.strictObject({ digest, bytes: z.number().int().nonnegative() }).optional(),
    carries: z.array(carried).min(1).max(MAX_CARRIED).optional(),
    map: z.strictObject({ line, keys: lines.optional() }).optional(),
    keys: lines.optional(),
    ranges: lines.optional(),
    tags: lines.optional(),
    head: z.array(line).max(3).optional(),
    encoder: encoderSegment,
  })
  .refine(
    ({ bytes, own, carries = [] }) =>
      (own === undefined) === (carries.length === 0) &&
      (own === undefined || carries.reduce((sum, each) => sum + each.bytes, own.bytes) === bytes),
    'the bytes of its parts are not those of the whole',
  );

const recordsBody = z.strictObject({ records: z.array(segmentRecord).max(2_000) });
const recordsAnswer = z.object({
  /** Numbers of the announced records whose bytes control wants. */
  lacking: z.array(sequence),
  /** The newest number of this rendition that control has the bytes of, or null. */
  newest: sequence.nullable(),
});
export type RecordsAnswer = z.infer<typeof recordsAnswer>;

/** Throws a ZodError when the value is not what the protocol says. */
export const decodeRecord = (value: unknown): SegmentRecord =>
  segmentRecord.parse(value) as unknown as SegmentRecord;

export function decodeRecords(text: string): readonly SegmentRecord[] | undefined {
  const parsed = recordsBody.safeParse(json(text));
  return parsed.success ? (parsed.data.records as unknown as SegmentRecord[]) : undefined;
}

export function decodeRecordsAnswer(text: string): RecordsAnswer | undefined {
  return recordsAnswer.safeParse(json(text)).data;
}

export function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** RFC 9530: `Content-Digest: sha-256=:BASE64:`. The digest is kept as base64url without padding. */
export const contentDigest = (digest: string): string =>
  `sha-256=:${Buffer.from(digest, 'base64url').toString('base64')}:`;

export function parseContentDigest(header: string | undefined): string | undefined {
  const match = /^sha-256=:([A-Za-z0-9+/]{43}=):$/.exec(header ?? '');
  return match === null ? undefined : Buffer.from(match[1]!, 'base64').toString('base64url');
}
