import type { Bytes, EpochMs, Seconds } from './units.ts';

/**
 * All that is known of a segment but its bytes. Stamped by the edge, never changed: a playlist is a pure
 * function of records, so every control node prints the same text.
 */
export type SegmentRecord = {
  /** Given by the edge, never reused, across runs. It is the EXT-X-MEDIA-SEQUENCE. */
  readonly sequence: number;
  /** When it begins, on control's clock. It is the EXT-X-PROGRAM-DATE-TIME. */
  readonly at: EpochMs;
  /** Its EXTINF, at most 60 s. */
  readonly duration: Seconds;
  /** SHA-256 of the bytes, base64url without padding (43 characters); empty for a gap. */
  readonly digest: string;
  /** Length of the bytes; 0 for a gap. */
  readonly bytes: Bytes;
  /** The file name extension without its dot: `ts`. It decides the media type. */
  readonly extension: string;
  /** Carries EXT-X-DISCONTINUITY. */
  readonly discontinuity: boolean;
  /** How many EXT-X-DISCONTINUITY tags stand before or at this segment, since the source began. */
  readonly discontinuitySequence: number;
  /** The EXT-X-TARGETDURATION of a list that ends with this segment; never falls within a stretch. */
  readonly targetDuration: number;
  /** The first number that a list holding this segment may show: where its stretch begins. */
  readonly listFrom: number;
  /** Why the edge never got this media (EXT-X-GAP); absent when it did. */
  readonly gap?: GapReason;
  /** What the encoder called it; how a restarted edge knows what it already has. */
  readonly encoder: EncoderSegment;
};

/** What an encoder said of a segment, and what its file looked like. */
export type EncoderSegment = {
  readonly sequence: number;
  readonly name: string;
  readonly bytes: Bytes;
  /** The file's mtime or the answer's Last-Modified; 0 when not told. */
  readonly modifiedAt: EpochMs;
  /** The EXT-X-TARGETDURATION of its playlist: a hint. */
  readonly targetDuration: number;
};

/** Why media that an encoder announced was never got. Each is a fact for ever. */
export const gapReasons = [
  'source_skipped',
  'truncated_at_source',
  'missing_at_source',
  'unreadable_at_source',
  'name_reused',
  'too_large',
  'too_long',
  'bad_name',
  'origin_not_allowed',
  'spool_full',
  'spool_corrupt',
  'object_lost',
] as const;
export type GapReason = (typeof gapReasons)[number];

/** The number of base64url characters of the digest that stand in a segment's URL: 132 bits, unguessable. */
export const URL_DIGEST_LENGTH = 22;

/** The file name of a segment's URL: `{sequence}-{22 characters of its SHA-256}.ts`. */
export const segmentFileName = (record: SegmentRecord): string =>
  `${record.sequence}-${record.digest.slice(0, URL_DIGEST_LENGTH) || 'gap'}.${record.extension}`;

/** What a segment URL's file name says, or undefined when it is not one. */
export function parseSegmentFileName(
  name: string,
): { sequence: number; digest: string; extension: string } | undefined {
  const match = /^(\d{1,16})-([A-Za-z0-9_-]{22})\.([a-z0-9]{2,6})$/.exec(name);
  if (match === null) return undefined;
  return { sequence: Number(match[1]), digest: match[2]!, extension: match[3]! };
}

/** RFC 8216 §4.3.3.1: EXTINF rounded to the nearest integer must not exceed the target duration. */
export const roundedDuration = (record: SegmentRecord): number => Math.max(1, Math.round(record.duration));

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  ts: 'video/mp2t',
  m4s: 'video/mp4',
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  cmfv: 'video/mp4',
  m4a: 'audio/mp4',
  cmfa: 'audio/mp4',
  aac: 'audio/aac',
  mp3: 'audio/mpeg',
  ac3: 'audio/ac3',
  ec3: 'audio/eac3',
  vtt: 'text/vtt',
  webvtt: 'text/vtt',
};

/** File name extensions of segments that an edge takes in. */
export const segmentExtensions: ReadonlySet<string> = new Set(Object.keys(MEDIA_TYPES));

export const mediaType = (extension: string): string => MEDIA_TYPES[extension] ?? 'application/octet-stream';
