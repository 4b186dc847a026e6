import type { GapReason } from '../media/segment-record.ts';
import type { CatalogRecording, RecordingEnd, SourceMode } from './catalog.ts';

/** The tables, as `migrations.ts` makes them. Moments are milliseconds since 1970. */
export type Tables = {
  source: SourceRow;
  recording: RecordingRow;
  segment: SegmentRow;
  doomed_object: DoomedObjectRow;
};

export type SourceRow = {
  name: string;
  edge: string | null;
  mode: SourceMode;
  spool: string;
  reserved_sequence: number;
  reserved_discontinuity: number;
  multivariant: string | null;
  created_at: number;
};

export type RecordingRow = {
  id: string;
  source: string;
  edge: string;
  title: string;
  span_from: number;
  span_until: number | null;
  created_at: number;
  /** 1 or 0: SQLite knows no boolean. */
  keep: number;
  ended: RecordingEnd | null;
  ended_at: number | null;
  settled_until: number;
  lost_before: number | null;
  spool: string;
  lost_reason: CatalogRecording['lostReason'];
  multivariant: string | null;
  refused_until: number | null;
};

export type SegmentRow = {
  source: string;
  rendition: string;
  sequence: number;
  at: number;
  /** `endOf(record)`. */
  end_at: number;
  digest: string;
  bytes: number;
  /** `record.gap`: null for media. */
  gap: GapReason | null;
  /** Null for a gap that never was media. */
  object_key: string | null;
  /** The whole SegmentRecord as JSON. The columns before it repeat what is asked for. */
  record: string;
};

export type DoomedObjectRow = { object_key: string };
