import type { CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import type { EpochMs } from '../../media/units.ts';
import { gapsOf, joinedGaps, lacksMedia, type RecordingGap } from './recording-gaps.ts';

export type RecordingState = 'recording' | 'draining' | 'complete' | 'incomplete';

/** What a recording has, as far as it is stored. */
export type RecordingContent = {
  readonly durationSeconds: number;
  readonly bytes: number;
  readonly segments: number;
  readonly gaps: readonly RecordingGap[];
};

/**
 * What is stored of a recording: bytes and segments of all its renditions, the duration of the longest.
 * @param renditions those that its span covers, by number
 */
export function contentOf(
  recording: CatalogRecording,
  renditions: readonly (readonly CatalogSegment[])[],
): RecordingContent {
  const media = renditions.map((rows) => rows.filter(({ record }) => record.gap === undefined));
  const lasting = media.map((rows) => rows.reduce((sum, { record }) => sum + record.duration, 0));
  const gaps = renditions.map((rows) =>
    gapsOf(
      recording,
      rows,
      renditions.filter((other) => other !== rows),
    ),
  );
  return {
    durationSeconds: round(Math.max(0, ...lasting)),
    bytes: media.flat().reduce((sum, { record }) => sum + record.bytes, 0),
    segments: media.reduce((sum, rows) => sum + rows.length, 0),
    gaps: renditions.length === 0 ? gapsOf(recording, []) : joinedGaps(gaps),
  };
}

export function stateOf(
  { ended, until }: CatalogRecording,
  { gaps }: RecordingContent,
  now: EpochMs,
): RecordingState {
  if (ended !== undefined) return lacksMedia(gaps) ? 'incomplete' : 'complete';
  return until === undefined || until > now ? 'recording' : 'draining';
}

/** A recording as the API shows it. */
export function recordingView(recording: CatalogRecording, content: RecordingContent, now: EpochMs) {
  const { id, source, title, keep, createdAt, from, until, settledUntil } = recording;
  return {
    id,
    source,
    title,
    state: stateOf(recording, content, now),
    keep,
    createdAt: isoTime(createdAt),
    from: isoTime(from),
    until: until === undefined ? null : isoTime(until),
    settledUntil: isoTime(settledUntil),
    ...content,
    gaps: content.gaps.map((gap) => ({ ...gap, from: isoTime(gap.from), until: isoTime(gap.until) })),
  };
}
export type RecordingView = ReturnType<typeof recordingView>;

const isoTime = (at: EpochMs): string => new Date(at).toISOString();
const round = (value: number): number => Math.round(value * 1e6) / 1e6;
