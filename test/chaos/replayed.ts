import { type ProbedPlaylist, readPlaylist } from '../support/prober-playlist.ts';
import {
  idOf,
  labelOf,
  type SegmentId,
  segmentBytes,
  sha256,
  splitAtPats,
  untimedSha256,
} from './segment-bytes.ts';

/** What makes the bytes of a source: the arguments of `segmentBytes` that all its segments share. */
export type SourceSpec = {
  readonly seed: string;
  readonly source: string;
  readonly durationMs: number;
  readonly bytes: number;
};

/** What replay gave: the text of the playlist, and the bytes of each listed segment by its URI. */
export type Replay = {
  readonly playlist: string;
  readonly segments: ReadonlyMap<string, Buffer>;
  /** As read a second time, from the store. */
  readonly readAgain?: ReadonlyMap<string, Buffer>;
};

/** One entry of the replayed playlist. */
export type Entry = {
  readonly uri: string;
  /** Seconds, its EXTINF. */
  readonly duration: number;
  readonly discontinuity: boolean;
  readonly gap: boolean;
  /** Epoch milliseconds: EXT-X-PROGRAM-DATE-TIME, of this entry or counted on from the last that has one. */
  readonly at: number | undefined;
  /** Which segment its bytes are; undefined for a gap and for bytes that nobody made. */
  readonly segment: SegmentId | undefined;
};

/** Recognises segments by their bytes: every one that was made, by SHA-256. */
export class SegmentBook {
  readonly #byHash = new Map<string, SegmentId>();
  readonly #byUntimedHash = new Map<string, SegmentId>();

  constructor(
    private readonly spec: SourceSpec,
    made: Iterable<SegmentId>,
  ) {
    for (const segment of made) {
      const bytes = this.bytesOf(segment);
      this.#byHash.set(sha256(bytes), segment);
      this.#byUntimedHash.set(untimedSha256(bytes), segment);
    }
  }

  bytesOf({ run, sequence }: SegmentId): Buffer {
    const { seed, source, durationMs, bytes } = this.spec;
    return segmentBytes(seed, source, run, sequence, durationMs, bytes);
  }

  find(bytes: Uint8Array): SegmentId | undefined {
    return this.#byHash.get(sha256(bytes));
  }

  /** Also where times and counters were shifted. */
  findUntimed(bytes: Uint8Array): SegmentId | undefined {
    return this.find(bytes) ?? this.#byUntimedHash.get(untimedSha256(bytes));
  }

  /** What can be said of bytes that are nobody's. */
  describe(bytes: Buffer): string {
    const id = idOf(bytes);
    if (id === undefined) return `${bytes.length} bytes that no encoder made`;
    const made = this.bytesOf(id);
    const differs = made.findIndex((byte, index) => byte !== bytes[index]);
    const where = differs < 0 ? `${bytes.length - made.length} bytes too many` : `byte ${differs} differs`;
    return `${bytes.length} bytes of ${labelOf(id)} as they were not made: ${where}`;
  }
}

/** The entries of a replayed playlist, each with the segment that its bytes are. */
export function entriesOf(replay: Replay, book: SegmentBook): { playlist: ProbedPlaylist; entries: Entry[] } {
  const playlist = readPlaylist(replay.playlist);
  let at: number | undefined;
  const entries = playlist.segments.map(({ uri, duration, discontinuity, gap, dateTime }): Entry => {
    const said = dateTime === undefined ? Number.NaN : Date.parse(dateTime);
    if (!Number.isNaN(said)) at = said;
    else if (discontinuity) at = undefined;
    const bytes = gap ? undefined : replay.segments.get(uri);
    const entry = { uri, duration, discontinuity, gap, at, segment: bytes && book.find(bytes) };
    if (at !== undefined) at += duration * 1000;
    return entry;
  });
  return { playlist, entries };
}

/** The segments of a download in its order; `undefined` for what is none. */
export function segmentsOfDownload(stream: Buffer, book: SegmentBook): (SegmentId | undefined)[] {
  try {
    return stream.length === 0 ? [] : splitAtPats(stream).map((piece) => book.findUntimed(piece));
  } catch {
    // Not made of whole packets.
    return [undefined];
  }
}
