import { lastingRanges } from '../../hls/lasting-ranges.ts';
import type { NeedingSegment } from '../../hls/segment-needs.ts';
import type { Carried, OwnBytes } from '../../media/carried.ts';
import type { EncoderSegment, GapReason, SegmentRecord } from '../../media/segment-record.ts';
import { type Bytes, bytes, type EpochMs, epochMs, type Seconds, seconds } from '../../media/units.ts';
import type { Needs } from './read-needs.ts';

/** A longer segment is a gap. */
export const MAX_DURATION: Seconds = seconds(60);

/** The encoder's date-time is used while within one second of the edge's own. */
const TRUSTED_WITHIN_MS = 1_000;
/** By how much at most a segment may begin before the one before it ended: less than a second (rfc8216bis §6.2.1). */
const STEP_BACK_MS = 500;

/** What the bytes of a segment turned out to be. */
export type Media =
  | {
      readonly digest: string;
      readonly bytes: Bytes;
      /** Where it carries something: its own bytes. */
      readonly own?: OwnBytes;
      readonly needs: Needs;
      readonly encoder: EncoderSegment;
    }
  | { readonly gap: GapReason; readonly encoder: EncoderSegment };

/** Where a segment stands. */
export type Position = {
  readonly sequence: number;
  /** Opens a run or follows a tag of the encoder's. */
  readonly discontinuity: boolean;
  readonly discontinuitySequence: number;
  /** The record before it, whichever run that was of. */
  readonly previous: SegmentRecord | undefined;
  /** The number does not follow the previous one: a list must begin here. */
  readonly jumped: boolean;
  /** Whether a new run may lower the target duration: nobody follows the list. */
  readonly mayLowerTarget: boolean;
};

/** When a segment was seen to begin: what the edge's clock makes of it, and what the encoder says. */
export type SeenAt = { readonly observed: EpochMs; readonly encoder?: EpochMs };

/** The record of a segment: the only place where its fields come from. */
export function stamp(
  entry: Pick<
    NeedingSegment,
    'duration' | 'title' | 'tags' | 'ranges' | 'told' | 'begins' | 'head' | 'headOfList'
  >,
  media: Media,
  extension: string,
  position: Position,
  seen: SeenAt,
): SegmentRecord {
  const { previous } = position;
  const gap = 'gap' in media;
  const duration = gap ? gapDuration(entry.duration, previous) : entry.duration;
  const opensList = previous === undefined || position.jumped;
  const rounded = Math.max(1, Math.round(duration));
  const hint = Math.min(media.encoder.targetDuration, MAX_DURATION);
  const keepsTarget = !opensList && !(position.discontinuity && position.mayLowerTarget);
  const at = beginOf(position, seen);
  const ranges = [...(entry.headOfList ?? []), ...lastingRanges(entry, previous, at)];
  return {
    sequence: position.sequence,
    at,
    duration,
    ...(entry.title !== undefined && { title: entry.title }),
    digest: gap ? '' : media.digest,
    bytes: gap ? bytes(0) : media.bytes,
    extension,
    discontinuity: position.discontinuity,
    discontinuitySequence: position.discontinuitySequence,
    targetDuration: keepsTarget ? Math.max(previous.targetDuration, rounded) : Math.max(hint, rounded),
    listFrom: opensList ? position.sequence : previous.listFrom,
    ...(gap ? { gap: media.gap } : whatItNeeds(media, position)),
    ...(ranges.length > 0 && { ranges }),
    ...(entry.tags.length > 0 && { tags: entry.tags }),
    ...(entry.head !== undefined && { head: entry.head }),
    encoder: media.encoder,
  };
}

function whatItNeeds(
  { own, needs }: Extract<Media, { needs: Needs }>,
  { sequence, previous }: Position,
): Pick<SegmentRecord, 'own' | 'carries' | 'map' | 'keys'> {
  const { map, keys } = needs;
  const carries = needs.carries.map(({ content: _, ...carried }): Carried => {
    const before = previous?.carries?.find(({ digest }) => digest === carried.digest);
    return { sequence: before?.sequence ?? sequence, ...carried };
  });
  return {
    ...(own !== undefined && { own, carries }),
    ...(map !== undefined && { map }),
    ...(keys !== undefined && { keys }),
  };
}

/** A gap never raises the target duration: it would only make players wait. */
function gapDuration(announced: Seconds, previous: SegmentRecord | undefined): Seconds {
  const most = previous?.targetDuration ?? MAX_DURATION;
  return seconds(Math.min(Math.max(announced, 0.001), most));
}

/**
 * EXT-X-PROGRAM-DATE-TIME. Inside a run each segment begins where the one before ended, so that the small
 * jitter of arrival does not show; where the clock says otherwise by more than a second (the encoder stood
 * still, a clock was set) it follows the clock, but never back over what was stamped before (rule C9).
 */
function beginOf({ previous, discontinuity }: Position, { observed, encoder }: SeenAt): EpochMs {
  const trusted = encoder !== undefined && Math.abs(encoder - observed) <= TRUSTED_WITHIN_MS;
  const seen = trusted ? encoder : observed;
  if (previous === undefined) return seen;
  const end = Math.round(previous.at + previous.duration * 1000);
  const earliest = end - Math.min(STEP_BACK_MS, Math.round(previous.duration * 500));
  if (trusted || discontinuity) return epochMs(Math.max(seen, discontinuity ? end : earliest));
  if (seen - end > TRUSTED_WITHIN_MS) return seen;
  if (end - seen > TRUSTED_WITHIN_MS) return epochMs(earliest);
  return epochMs(end);
}
