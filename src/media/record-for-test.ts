import type { SegmentRecord } from './segment-record.ts';
import { bytes, epochMs, seconds } from './units.ts';

/** A record for tests: number `sequence` begins `sequence` times its duration after the epoch, unless told otherwise. */
export function recordForTest(
  sequence: number,
  change: { [K in keyof SegmentRecord]?: SegmentRecord[K] } = {},
): SegmentRecord {
  const duration = change.duration ?? seconds(2);
  return {
    sequence,
    at: epochMs(sequence * duration * 1000),
    duration,
    digest: change.gap === undefined ? String(sequence).padStart(43, 'd') : '',
    bytes: bytes(change.gap === undefined ? 1_000 : 0),
    extension: 'ts',
    discontinuity: false,
    discontinuitySequence: 0,
    targetDuration: 2,
    listFrom: 0,
    encoder: {
      sequence,
      name: `cam-${sequence}.ts`,
      bytes: bytes(1_000),
      modifiedAt: epochMs(1),
      targetDuration: 2,
    },
    ...change,
  };
}
