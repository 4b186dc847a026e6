import type { EpochMs, Seconds } from '../media/units.ts';

/** What a media playlist says (RFC 8216 §4.3), as its author wrote it. */
export type MediaPlaylist = {
  /** EXT-X-TARGETDURATION rounded, where it says something above 0. A hint: encoders get it wrong. */
  readonly targetDuration?: number;
  /** EXT-X-MEDIA-SEQUENCE; 0 when absent (RFC 8216 §4.3.3.2). */
  readonly mediaSequence: number;
  /** EXT-X-DISCONTINUITY-SEQUENCE; 0 when absent (RFC 8216 §4.3.3.3). */
  readonly discontinuitySequence: number;
  readonly endList: boolean;
  /** EXT-X-INDEPENDENT-SEGMENTS, EXT-X-I-FRAMES-ONLY and EXT-X-START, where they stand and mean something. */
  readonly head?: readonly string[];
  readonly segments: readonly MediaPlaylistSegment[];
};

export type MediaPlaylistSegment = {
  /** The line of its URI, counted from 1. */
  readonly line: number;
  /** `mediaSequence` + its place in the list. */
  readonly sequence: number;
  readonly uri: string;
  /** Its EXTINF. */
  readonly duration: Seconds;
  /** What stands behind the comma of its EXTINF, where something does. */
  readonly title?: string;
  readonly discontinuity: boolean;
  /** EXT-X-PROGRAM-DATE-TIME, where it names a moment: a date-time without a zone does not. */
  readonly programDateTime?: EpochMs;
  readonly gap: boolean;
  /**
   * The other lines that begin with `#` between the URI before and this one, verbatim and in their order:
   * KEY, MAP, BYTERANGE, DATERANGE, unknown tags, comments.
   */
  readonly tags: readonly string[];
};
