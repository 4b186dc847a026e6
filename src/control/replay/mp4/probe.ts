import { reorderDelay } from './decode-times.ts';
import type { FileTrack } from './fragments.ts';
import { Mp4Impossible, type Mp4Input, UnreadableSegment } from './mp4-input.ts';
import { type SegmentMedia, type SegmentReader, type SegmentTrack, spoken } from './read-segment.ts';

/** As many segments of a stretch are read when sound (or picture) that is named has not begun in the first. */
const MOST_PROBED = 4;

/** What must be known before the first byte. */
export type Probe = {
  readonly tracks: readonly FileTrack[];
  readonly check: TrackCheck;
  /** Of all segments, as they were announced. */
  readonly seconds: number;
  readonly beginsAtMs: number;
};

/**
 * Looks at all segments and reads the first of every stretch (where it is unreadable or not all its streams
 * have begun, the next). Throws Mp4Impossible
 * when one MP4 cannot hold them: no segments, other formats, tracks whose settings differ.
 */
export async function probe(
  inputs: AsyncIterable<Mp4Input> | Iterable<Mp4Input>,
  reader: SegmentReader,
): Promise<Probe> {
  const check = new TrackCheck();
  const tracks = new Map<string, FileTrack>();
  let seconds = 0;
  let beginsAtMs: number | undefined;
  let wanted = MOST_PROBED;
  for await (const input of inputs) {
    if (input.extension !== 'ts')
      throw new Mp4Impossible(`it has segments that are not MPEG-TS (.${input.extension})`);
    if (input.discontinuity) wanted = MOST_PROBED;
    const bytes = wanted > 0 ? await input.bytes() : undefined;
    if (wanted > 0 && bytes === undefined) {
      wanted = MOST_PROBED;
      continue;
    }
    seconds += input.duration;
    beginsAtMs ??= input.at;
    if (bytes === undefined) continue;
    const found = await readOrNot(reader, bytes);
    if (found === undefined) continue;
    wanted = found.complete ? 0 : wanted - 1;
    for (const track of found.tracks) {
      check.compare(track);
      addTrack(tracks, track);
    }
  }
  if (beginsAtMs === undefined) throw new Mp4Impossible('it has no segments');
  if (tracks.size === 0) throw new Mp4Impossible('none of its segments can be read as MPEG-TS');
  // Video first, as players show the first track.
  const sorted = [...tracks.values()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  return { tracks: sorted, check, seconds, beginsAtMs };
}

/** The delay is the longest that is seen, so that it fits the B-frames of all stretches. */
function addTrack(tracks: Map<string, FileTrack>, track: SegmentTrack): void {
  const { description, packets } = track;
  const known = tracks.get(description.key);
  const priming = known?.priming ?? primingOf(track);
  if (priming === undefined) return;
  const delay = description.kind === 'audio' ? 0 : reorderDelay(packets.map(({ at }) => at));
  tracks.set(description.key, { description, priming, delay: Math.max(delay, known?.delay ?? 0) });
}

const rank = ({ description: { kind, key } }: FileTrack): string => `${kind === 'video' ? 0 : 1} ${key}`;

/** What a segment has in it, or undefined when it is to be left out. */
export async function readOrNot(reader: SegmentReader, bytes: Buffer): Promise<SegmentMedia | undefined> {
  try {
    return await reader.read(bytes);
  } catch (error) {
    if (error instanceof UnreadableSegment) return undefined;
    throw error;
  }
}

/** A key frame with parameter sets; of audio, any packet. */
const primingOf = ({ description, packets }: SegmentTrack) =>
  packets.find(({ packet }) => description.kind === 'audio' || packet.type === 'key')?.packet;

/** Remembers how each track was first and refuses it when it is another later. */
export class TrackCheck {
  readonly #first = new Map<string, { spoken: string; configuration: string | undefined }>();

  /** Throws Mp4Impossible. */
  compare({ description, configuration }: SegmentTrack): void {
    const { key, kind } = description;
    const known = this.#first.get(key);
    const now = spoken(description);
    if (known === undefined) {
      this.#first.set(key, { spoken: now, configuration });
      return;
    }
    if (known.spoken !== now) throw new Mp4Impossible(`its ${kind} changes from ${known.spoken} to ${now}`);
    if (configuration === undefined) return;
    if (known.configuration !== undefined && known.configuration !== configuration) {
      throw new Mp4Impossible(`the settings of its ${kind} encoder change (${now})`);
    }
    known.configuration = configuration;
  }

  /** Throws Mp4Impossible where a track was not there when the header was written. */
  known({ description: { key, kind } }: SegmentTrack): void {
    if (!this.#first.has(key)) throw new Mp4Impossible(`its ${kind} begins in the middle of a stretch`);
  }
}
