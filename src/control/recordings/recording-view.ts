import type { CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import type { EpochMs } from '../../media/units.ts';
import { gapsOf, lacksMedia, type RecordingGap } from './recording-gaps.ts';

export type RecordingState = 'recording' | 'draining' | 'complete' | 'incomplete';

/** What a recording has, as far as it is stored. */
export type RecordingContent = {
  readonly durationSeconds: number;
  readonly bytes: number;
  readonly segments: number;
  readonly gaps: readonly RecordingGap[];
};

/** What is stored of a recording. `segments`: those its span covers, by number. */
export function contentOf(
  recording: CatalogRecording,
  segments: readonly CatalogSegment[],
): RecordingContent {
  const media = segments.filter(({ record }) => record.gap === undefined);
  return {
    durationSeconds: round(media.reduce((sum, { record }) => sum + record.duration, 0)),
    bytes: media.reduce((sum, { record }) => sum + record.bytes, 0),
    segments: media.length,
    gaps: gapsOf(recording, segments),
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
