/** What a multivariant playlist says (RFC 8216 §4.3.4), as its author wrote it: every line in its place. */
export type MultivariantPlaylist = {
  readonly kind: 'multivariant';
  readonly entries: readonly MultivariantEntry[];
};

/** A line behind `#EXTM3U`, or, of a variant, its two. */
export type MultivariantEntry = {
  /** The line of the tag, counted from 1. */
  readonly line: number;
  /** EXT-X-STREAM-INF, EXT-X-MEDIA, EXT-X-I-FRAME-STREAM-INF; all else is `other`, comments included. */
  readonly kind: 'variant' | 'rendition' | 'i-frames' | 'other';
  /**
   * The line as it was written, an attribute list without white space and second attributes of one name
   * (rfc8216bis §4.2). Of a rendition, an I-frame stream or a session key beside it, `URI="{}"` stands where the URI stood.
   */
  readonly tag: string;
  /**
   * Of the media playlist: the line behind EXT-X-STREAM-INF, or the URI attribute. Absent where there is none:
   * of an EXT-X-MEDIA that lies in the variant itself, and of what is `other`.
   */
  readonly uri?: string;
};
