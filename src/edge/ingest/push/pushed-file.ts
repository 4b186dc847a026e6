import type { ByteRange } from '../../../hls/segment-needs.ts';
import { LiveMixError } from '../../../media/error.ts';
import { bytes, type EpochMs, type Millis, millis } from '../../../media/units.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { type OpenSegment, type Sighting, SourceUnreadable } from '../open-segment.ts';
import type { ArrivingBody } from './arriving-body.ts';
import { type PieceSink, Pieces } from './pieces.ts';
import { type PushedSegment, receiveSegment } from './receive-segment.ts';

/** A part that a playlist names is waited for as long as the file grows, and so long while it does not. */
const SILENT_AFTER = millis(5_000);

/** What a file is made with. */
export type Pushing = {
  readonly extension: string;
  readonly startedAt: EpochMs;
  readonly maxSegmentBytes: number;
  readonly clock: Clock;
  openSink(): Promise<PieceSink>;
};

/** A file that an encoder pushes: one segment, or many that are parts of it, which may be had while it still comes. */
export class PushedFile {
  /** Undefined when it ended as a file of many segments. Rejects as `receiveSegment` does. */
  readonly received: Promise<PushedSegment | undefined>;
  /** When it had come, or broke off; undefined while it comes. */
  arrivedAt: Millis | undefined;
  readonly #pieces: Pieces;
  #broke: Error | undefined;
  #silentSince: Millis | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(
    readonly body: ArrivingBody,
    private readonly pushing: Pushing,
  ) {
    const { extension, startedAt, maxSegmentBytes, clock } = pushing;
    this.#pieces = new Pieces(() => pushing.openSink(), maxSegmentBytes);
    const grew = () => {
      this.#silentSince = undefined;
      this.#wake();
    };
    this.received = receiveSegment(body, { extension, startedAt, pieces: this.#pieces, grew });
    const over = (error?: Error) => {
      this.arrivedAt = clock.monotonic();
      this.#broke = error;
      this.#wake();
    };
    this.received.then(() => over(), over);
  }

  /** How many bytes have come. */
  get size(): number {
    return this.#pieces.end;
  }

  /** How many of them are kept. */
  get keptBytes(): number {
    return this.#pieces.bytes;
  }

  /** The segment that it is. Rejects with `SourceUnreadable`. */
  async whole(): Promise<PushedSegment> {
    while (this.arrivedAt === undefined && !this.#pieces.isSplit) await this.#changes();
    if (this.#pieces.isSplit) throw unreadable('too_large', 'it is a file of many segments', false);
    try {
      return (await this.received)!;
    } catch (error) {
      throw asUnreadable(error);
    }
  }

  /** What is to be seen of a part when it has come; undefined when it does not. */
  async lookAt(range: ByteRange): Promise<Sighting | undefined> {
    try {
      await this.#comes(range);
      return this.#sighting(range);
    } catch {
      return undefined;
    }
  }

  /** A part of it, or the whole, when that has come. Rejects with `SourceUnreadable`. */
  async open(part: ByteRange | undefined): Promise<OpenSegment> {
    const range = part ?? { offset: 0, length: (await this.whole()).bytes };
    await this.#comes(range);
    const end = range.offset + range.length;
    const pieces = this.#pieces;
    let done = range.offset;
    return {
      sighting: this.#sighting(range),
      async *chunks() {
        while (done < end) {
          const chunk = await pieces.read(done, Math.min(end - done, CHUNK_BYTES)).catch(gone);
          done += chunk.length;
          yield chunk;
        }
      },
      unchanged: async () => true,
      close: async () => {
        if (done < end || this.arrivedAt !== undefined) return;
        this.body.cutThrough(end);
        await pieces.cutThrough(end);
      },
    };
  }

  /** Lets its bytes go, at its end where it still comes. */
  discard(): void {
    this.received.then(
      () => this.#pieces.discard(),
      () => undefined,
    );
  }

  #sighting({ length }: ByteRange): Sighting {
    return { bytes: bytes(length), modifiedAt: this.pushing.startedAt, fileBytes: bytes(this.size) };
  }

  async #comes({ offset, length }: ByteRange): Promise<void> {
    const { maxSegmentBytes, clock } = this.pushing;
    const end = offset + length;
    if (length > maxSegmentBytes) throw unreadable('too_large', 'it is larger than this edge takes', false);
    if (end > this.size + maxSegmentBytes) throw unreadable('missing_at_source', 'it is far ahead', true);
    this.body.hurry();
    for (;;) {
      if (this.#broke !== undefined) throw asUnreadable(this.#broke);
      if (this.size >= end) return;
      if (this.arrivedAt !== undefined)
        throw unreadable('truncated_at_source', 'the file ended before it', true);
      this.#silentSince ??= clock.monotonic();
      const silentFor = clock.monotonic() - this.#silentSince;
      if (silentFor >= SILENT_AFTER) throw unreadable('missing_at_source', 'it does not come', true);
      await this.#changes(millis(SILENT_AFTER - silentFor));
    }
  }

  /** Resolves when more has come, when no more comes, and after `most`. */
  async #changes(most?: Millis): Promise<void> {
    await new Promise<void>((resolve) => {
      const late = most === undefined ? undefined : this.pushing.clock.after(most, () => go());
      const go = () => {
        late?.cancel();
        this.#waiting.delete(go);
        resolve();
      };
      this.#waiting.add(go);
    });
  }

  #wake(): void {
    for (const go of this.#waiting) go();
  }
}

const CHUNK_BYTES = 256 * 1024;

const unreadable = (...why: ConstructorParameters<typeof SourceUnreadable>) => new SourceUnreadable(...why);

function asUnreadable(error: unknown): SourceUnreadable {
  if (error instanceof SourceUnreadable) return error;
  if (error instanceof LiveMixError) return unreadable('too_large', error.message, false);
  return unreadable('truncated_at_source', (error as Error).message, true);
}

/** Its bytes were taken, or dropped, meanwhile. */
function gone(error: unknown): never {
  throw unreadable('missing_at_source', (error as Error).message, true);
}
