import { z } from 'zod';
import type { SegmentRecord } from '../media/segment-record.ts';
import { json, segmentRecord, sequence } from './uplink.ts';

/**
 * How what recordings want is stored: records go ahead, as the edge stamped them; the answer says which are
 * stored and gives tickets for bytes that neither control nor the store has.
 *
 * `POST /edge/v1/keep/{source}/{rendition}` with `KeepRequest` → 200 `KeepAnswer`
 * `PUT  {ticket.url}` with Content-Length and Content-Digest, and the ticket's headers → 2xx
 *
 * A ticket's URL is a path of control's own or, where edges reach the store themselves, one that the store signed.
 * A ticket is good for one PUT of one segment. What was put is confirmed by announcing its record again.
 */
export const keepPath = (source: string, rendition: string) => `/edge/v1/keep/${source}/${rendition}`;
export const objectPath = (ticket: string) => `/edge/v1/objects/${ticket}`;

/** Records that one request may announce, and tickets that one answer may give. */
export const MAX_KEEP_RECORDS = 64;
export const MAX_TICKETS = 4;

const keepRequest = z.strictObject({
  records: z.array(segmentRecord).max(MAX_KEEP_RECORDS),
  /** MD5 (base64) of the bytes by number: only for records that an answer asked it of. */
  md5: z.record(z.string().regex(/^\d{1,16}$/), z.string().regex(/^[A-Za-z0-9+/]{22}==$/)).optional(),
});
export type KeepRequest = {
  readonly records: readonly SegmentRecord[];
  readonly md5?: Record<string, string>;
};

const lacking = z.union([
  z.object({
    sequence,
    url: z.string().max(8192),
    headers: z.record(z.string().max(64), z.string().max(1024)),
  }),
  z.object({ sequence, needs: z.literal('md5') }),
]);
export type LackingObject = z.infer<typeof lacking>;

const keepAnswer = z.object({
  /** Numbers of the announced records that are stored, or that no recording wants any more. */
  settled: z.array(sequence),
  /** The next ones to send. Those in neither list are asked for later. */
  lacking: z.array(lacking).max(MAX_KEEP_RECORDS),
});
export type KeepAnswer = z.infer<typeof keepAnswer>;

/** Undefined when the text is not what this version understands. */
export const decodeKeepRequest = (text: string): KeepRequest | undefined => {
  const parsed = keepRequest.safeParse(json(text));
  return parsed.success ? (parsed.data as unknown as KeepRequest) : undefined;
};

export const decodeKeepAnswer = (text: string): KeepAnswer | undefined =>
  keepAnswer.safeParse(json(text)).data;
