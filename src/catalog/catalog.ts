import type { SegmentRecord } from '../media/segment-record.ts';
import type { Span } from '../media/span.ts';
import type { Bytes, EpochMs } from '../media/units.ts';

/**
 * What must survive on control, whatever ends its process. Every answer is durable when it is given.
 * Rejects with `db_busy` when the database is held by somebody else for longer than five seconds.
 */
export interface Catalog {
  /** All sources that ever were, by name, the deleted ones included. */
  sources(): Promise<readonly CatalogSource[]>;
  /** Writes a source, new or known by its name. On disk when it resolves. */
  saveSource(source: CatalogSource): Promise<void>;

  /** All recordings, newest first. */
  recordings(): Promise<readonly CatalogRecording[]>;
  /** Writes a recording, new or known by its id. On disk when it resolves. */
  saveRecording(recording: CatalogRecording): Promise<void>;
  /**
   * Forgets a recording. What no span covers any more is found by `dropUncovered`. Unknown ids are no error.
   */
  deleteRecording(id: string): Promise<void>;

  /**
   * Writes stored segments and gaps, all or none. A number that is known stays as it is, except that media takes
   * the place of a gap. Answers with the keys of objects that were not taken: their number is known with another
   * key, or they are doomed. Rejects when a key is that of another number.
   */
  addSegments(segments: readonly CatalogSegment[]): Promise<readonly string[]>;
  /**
   * What is known of a stored segment changed: its object is gone, or is back. Its number and key stay: where they
   * do not stand together any more, nothing changes. Once it is a gap, media takes its place as that of any gap.
   */
  restateSegment(segment: CatalogSegment): Promise<void>;
  /** The segments and gaps of a source that a span covers, by rendition and number. */
  segments(source: string, span: Span): Promise<readonly CatalogSegment[]>;
  /** One segment by its number, or undefined. */
  segment(source: string, rendition: string, sequence: number): Promise<CatalogSegment | undefined>;
  /** The segments and gaps of a rendition that have one of these numbers, by number. */
  storedOf(
    source: string,
    rendition: string,
    sequences: readonly number[],
  ): Promise<readonly CatalogSegment[]>;
  /** Bytes of all stored segments. */
  storedBytes(): Promise<Bytes>;
  /**
   * Takes at most `limit` segments and gaps out that no recording's span covers, whatever its state; the keys of
   * their objects become doomed, in the same transaction. Answers with how many were taken out.
   */
  dropUncovered(limit: number): Promise<number>;
  /** At most `limit` keys of objects that are to be removed from the store. */
  doomed(limit: number): Promise<readonly string[]>;
  /** Objects are to be removed from the store, except those that a segment names. */
  doom(keys: readonly string[]): Promise<void>;
  /** These objects are removed from the store. */
  undoom(keys: readonly string[]): Promise<void>;
  /** Which of these keys a segment or a doomed row names. */
  knownKeys(keys: readonly string[]): Promise<ReadonlySet<string>>;

  /** Waits for what was asked before and closes. Later calls reject. */
  close(): Promise<void>;
}

/** A source as it outlives control: who owns its name, what was commanded, which numbers are used up. */
export type CatalogSource = {
  readonly name: string;
  /** The edge that owns the name. Undefined: deleted, the name is free, its floors stay for ever. */
  readonly edge: string | undefined;
  readonly mode: SourceMode;
  /** The random id of the spool that last reported the source. */
  readonly spool: string;
  /** The first sequence number that no spool was allowed to give yet: the floor of an unknown spool. */
  readonly reservedSequence: number;
  /** The same for the discontinuity sequence. */
  readonly reservedDiscontinuity: number;
  /** The playlist that names its renditions, with `{rendition}.m3u8` for URIs; undefined where it has but one. */
  readonly multivariant: string | undefined;
  readonly createdAt: EpochMs;
};

/** The command of forwarding: while somebody watches, always, never. */
export const sourceModes = ['on-demand', 'always', 'off'] as const;
export type SourceMode = (typeof sourceModes)[number];

/** A recording as it outlives control. Which segments it has is not written: `covers()` says it. */
export type CatalogRecording = {
  /** 16 lower-case letters and digits. */
  readonly id: string;
  readonly source: string;
  /** The edge that owned the source when it began: it delivers, whoever owns the name later. */
  readonly edge: string;
  readonly title: string;
  readonly from: EpochMs;
  /** Undefined: until it is stopped. */
  readonly until: EpochMs | undefined;
  readonly createdAt: EpochMs;
  /** Kept for ever: neither age nor quota removes it. */
  readonly keep: boolean;
  /** How it ended; undefined while it records or drains. */
  readonly ended: RecordingEnd | undefined;
  /** When it ended. */
  readonly endedAt: EpochMs | undefined;
  /** All that was wanted before this moment is stored or lost for ever. */
  readonly settledUntil: EpochMs;
  /** What lies before this moment and is not stored is lost; undefined until its edge has said how far it reaches. */
  readonly lostBefore: EpochMs | undefined;
  /** The spool that said it; another one lost everything. Empty until then. */
  readonly spool: string;
  /** What `lostBefore` means: the spool did not reach back so far, or was lost. */
  readonly lostReason: 'beyond_spool' | 'spool_lost';
  /** The newest `CatalogSource.multivariant` of its time. */
  readonly multivariant: string | undefined;
  /** Until when, since it was made, its edge could take in nothing of what the encoder sent; absent where it could. */
  readonly refusedUntil?: EpochMs;
};

/** `edge_lost`: its edge did not come back in time. */
export type RecordingEnd = 'settled' | 'edge_lost';

/**
 * A segment in the object store, or a gap: `record.gap` tells. A gap has no key unless it was media once
 * (`restateSegment`). Number and source are never used twice.
 */
export type CatalogSegment = {
  readonly source: string;
  readonly rendition: string;
  readonly record: SegmentRecord;
  readonly key: string | undefined;
};
