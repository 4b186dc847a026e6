import type { Carried, OwnBytes } from './carried.ts';
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
  /** The title of its EXTINF, without white space at its end; absent when it has none. */
  readonly title?: string;
  /** SHA-256 of all that is kept of it, base64url without padding (43 characters); empty for a gap. */
  readonly digest: string;
  /** Length of all that is kept of it: its own bytes and, behind them, what it carries; 0 for a gap. */
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
  /** Its own bytes, where it carries something. */
  readonly own?: OwnBytes;
  /** Init section and keys that its lines name, in the order in which they lie behind its own bytes. */
  readonly carries?: readonly Carried[];
  /** The init section it needs. */
  readonly map?: SegmentMap;
  /** The EXT-X-KEY lines in force for it; absent when it is clear. */
  readonly keys?: readonly HlsLine[];
  /**
   * The lines that a list beginning with it must show: comments and unknown tags of the playlist's head, and the
   * EXT-X-DATERANGEs in force, by the dates of the list. One that goes on for long is in many records.
   */
  readonly ranges?: readonly string[];
  /** The EXT-X-BITRATE that covers it; then other lines that stand before it: CUE, unknown tags, comments, verbatim. */
  readonly tags?: readonly string[];
  /** EXT-X-INDEPENDENT-SEGMENTS, EXT-X-I-FRAMES-ONLY, EXT-X-START of the playlist that listed it. */
  readonly head?: readonly string[];
  /** What the encoder called it; how a restarted edge knows what it already has. */
  readonly encoder: EncoderSegment;
};

/** A tag as it was written, but `{0}`, `{1}` … for a URI: of what the segment carries at that place. */
export type HlsLine = string;

/** An EXT-X-MAP, and the keys that were in force where it stood (RFC 8216 §4.3.2.5). */
export type SegmentMap = { readonly line: HlsLine; readonly keys?: readonly HlsLine[] };

/** Of a title, in characters: it crosses with its segment. */
export const MAX_TITLE = 512;

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

/** Whether segments with this extension are fragments of an MP4, which need an init section (RFC 8216 §3.3). */
export const isFragmentedMp4 = (extension: string): boolean => /\/mp4$/.test(MEDIA_TYPES[extension] ?? '');

const KEY_TYPE = 'application/octet-stream';

/** File name extensions of segments that an edge takes in. */
export const segmentExtensions: ReadonlySet<string> = new Set(Object.keys(MEDIA_TYPES));

export const mediaType = (extension: string): string => MEDIA_TYPES[extension] ?? KEY_TYPE;
