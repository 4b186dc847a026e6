import { I_FRAMES_ONLY } from '../../hls/head-lines.ts';
import type { MediaPlaylist } from '../../hls/media-playlist.ts';
import type { NeedingSegment } from '../../hls/segment-needs.ts';
import { keptBytes, ownBytes } from '../../media/carried.ts';
import { LiveMixError } from '../../media/error.ts';
import type { EncoderSegment, GapReason, SegmentRecord } from '../../media/segment-record.ts';
import { bytes, epochMs } from '../../media/units.ts';
import type { Rendition } from '../rendition.ts';
import type { Source } from '../source.ts';
import { isDiskFull, type StagedSegment } from '../spool/spool.ts';
import { gapTrouble } from '../trouble.ts';
import type { Ingest } from './ingest.ts';
import { newestLasting, totalDuration } from './lasting.ts';
import type { MediaOrigin } from './media-origin.ts';
import { missedBefore } from './missed-before.ts';
import { SourceUnreadable } from './open-segment.ts';
import { type Needs, readNeeds } from './read-needs.ts';
import { type Announced, MemorySink, type ReadSegment, readSegment, tryAgain } from './read-segment.ts';
import { refusal } from './refusal.ts';
import { extensionOf, nameOf } from './segment-name.ts';
import { MAX_DURATION, type Media } from './stamp.ts';
import { Stamping } from './stamping.ts';

const isEncrypted = ({ keys }: NeedingSegment): boolean => keys !== undefined;

/** The taking in of one playlist. */
export class Taking {
  added = 0;
  stored: 'spool' | 'memory' = 'spool';
  readonly #stamping: Stamping;

  constructor(
    private readonly ingest: Ingest,
    private readonly source: Source,
    private readonly rendition: Rendition,
    private readonly origin: MediaOrigin,
    private readonly playlist: MediaPlaylist,
    private readonly announced: Announced,
  ) {
    const stateGap = (record: SegmentRecord) => this.#commitGap(record);
    this.#stamping = new Stamping(ingest, source, rendition, playlist, announced, stateGap);
  }

  /** An encoder began; of a long list only what the window holds is read. */
  async openRun(entries: readonly NeedingSegment[]): Promise<void> {
    this.#stamping.openRun();
    this.rendition.needed.clear();
    await this.#take(newestLasting(entries, this.#reach));
  }

  /** How far back a run may begin. Four target durations hold three, which is what a player wants. */
  get #reach(): number {
    const { origin, playlist, ingest } = this;
    const atTail = origin.kind === 'http' && origin.pulled?.beginsAtTail === true;
    if (!atTail || playlist.targetDuration === undefined) return ingest.sources.windowDuration;
    return Math.min(4 * playlist.targetDuration, ingest.sources.windowDuration);
  }

  /** The run goes on. `skipped` numbers no playlist ever named: the edge slept, or posts were lost. */
  async goOn(entries: readonly NeedingSegment[], skipped: number): Promise<void> {
    const next = entries[0]!;
    const lasting = totalDuration(entries);
    for (let back = skipped; back > 0; back--) {
      await this.#keepGap(missedBefore(next, back), 'source_skipped', lasting + next.duration * back);
    }
    await this.#take(entries);
  }

  async #take(entries: readonly NeedingSegment[]): Promise<void> {
    const lastOfName = new Map(entries.map((entry) => [nameOf(entry), entry]));
    let behind = totalDuration(entries);
    for (const entry of entries) {
      await this.#takeOne(entry, behind, lastOfName.get(nameOf(entry)) !== entry);
      behind -= entry.duration;
    }
    this.ingest.sources.keepWithinBounds();
  }

  async #takeOne(entry: NeedingSegment, behind: number, cameAgain: boolean): Promise<void> {
    const reason =
      refusal(entry.uri, this.origin, this.ingest.allowed) ?? (cameAgain ? 'name_reused' : undefined);
    if (reason !== undefined) return this.#keepGap(entry, reason, behind);
    if (entry.gap) return this.#keepGap(entry, 'missing_at_source', behind);
    if (entry.duration > MAX_DURATION) return this.#keepGap(entry, 'too_long', behind);
    try {
      const needs = await readNeeds(entry, this.origin, this.announced, this.ingest, this.rendition.needed);
      await this.#readAndKeep(entry, needs, behind);
    } catch (error) {
      if (!(error instanceof SourceUnreadable)) throw error;
      this.ingest.events.segmentUnreadable(this.rendition.place, entry.uri, error);
      await this.#keepGap(entry, error.reason, behind);
    }
  }

  async #readAndKeep(entry: NeedingSegment, needs: Needs, behind: number): Promise<void> {
    const { origin, ingest } = this;
    if (origin.kind === 'pushed' && entry.range === undefined) {
      const read = await tryAgain(ingest.clock, this.announced, () =>
        origin.files.take(entry.uri, isEncrypted(entry)),
      );
      const keeping =
        read.sink instanceof MemorySink
          ? this.#keepInMemory(entry, read, read.sink, needs, behind)
          : this.#keepOnDisk(entry, read, read.sink, needs, behind);
      origin.files.keptAs(entry.uri, this.rendition.place, keeping);
      await keeping.catch((error: unknown) => {
        if (!isDiskFull(error)) throw error;
        throw new SourceUnreadable('spool_full', 'the disk has no room for it', false);
      });
      return;
    }
    if (!ingest.sources.isFull) {
      try {
        const { spool } = ingest.sources;
        const read = await readSegment(this.#reading(entry), () => spool.stage(), ingest);
        await this.#keepOnDisk(entry, read, read.sink, needs, behind);
        return;
      } catch (error) {
        if (!isDiskFull(error)) throw error;
      }
    }
    ingest.sources.freeOldest();
    const read = await readSegment(this.#reading(entry), async () => new MemorySink(), ingest);
    await this.#keepInMemory(entry, read, read.sink, needs, behind);
  }

  async #keepOnDisk(
    entry: NeedingSegment,
    read: ReadSegment,
    staged: StagedSegment,
    needs: Needs,
    behind: number,
  ): Promise<SegmentRecord | undefined> {
    const size = keptBytes(read.bytes, needs.carries);
    if (size > this.ingest.maxSegmentBytes) {
      await staged.discard();
      throw new SourceUnreadable('too_large', 'it is too large with its init section', false);
    }
    if (this.#cameBefore(entry, read)) {
      await staged.discard();
      await this.#keepGap(entry, 'name_reused', behind);
      return undefined;
    }
    for (const { content } of needs.carries) await staged.write(content);
    const record = await this.#stamping.stamp(entry, this.#media(entry, read, needs), behind);
    await this.#commit(staged, record);
    return this.#push(record);
  }

  /** What a recording wants is on the disk before its encoder gets an answer. */
  async #commit(staged: StagedSegment, record: SegmentRecord): Promise<void> {
    const { keep, place } = this.rendition;
    const durable = keep.wants(record);
    await staged.commit(place, record, durable);
    if (durable) keep.markDurable(record);
  }

  /** The disk is full, or the spool of what recordings wait for. */
  async #keepInMemory(
    entry: NeedingSegment,
    read: ReadSegment,
    sink: MemorySink,
    needs: Needs,
    behind: number,
  ): Promise<SegmentRecord> {
    const { sources, events } = this.ingest;
    const full = sources.isFull ? 'bound' : 'disk';
    for (const { content } of needs.carries) await sink.write(content);
    const record = await this.#stamping.stamp(entry, this.#media(entry, read, needs), behind);
    await this.source.ledger.distrustSpool().catch(() => undefined);
    this.stored = 'memory';
    if (sources.spool.keepInMemory(this.rendition.place, record, sink.content())) {
      events.spoolInMemory(this.rendition.place, full);
      return this.#push(record);
    }
    events.spoolFull(this.rendition.place, full);
    const gap: SegmentRecord = { ...record, digest: '', bytes: bytes(0), gap: 'spool_full' };
    events.gapStated(this.rendition.place, gap);
    this.#push(gap);
    throw new LiveMixError('spool_full', 'Neither the spool nor memory has room for this segment.', {
      retryAfter: 5,
    });
  }

  #reading(entry: NeedingSegment) {
    const { uri, duration, range, map, head } = entry;
    return {
      origin: this.origin,
      name: uri,
      extension: extensionOf(uri),
      duration,
      range,
      encrypted: isEncrypted(entry),
      hasMap: map !== undefined,
      iFrame: head?.includes(I_FRAMES_ONLY) ?? false,
      announced: this.announced,
    };
  }

  /** Two numbers, one name, one file: the first reading got what belongs to the second. */
  #cameBefore(entry: NeedingSegment, read: ReadSegment): boolean {
    const { rendition } = this;
    const { newest } = rendition.window;
    const sameBytes = newest !== undefined && ownBytes(newest).digest === read.digest;
    return sameBytes || rendition.wasTaken(nameOf(entry), read);
  }

  #media(entry: NeedingSegment, read: ReadSegment, needs: Needs): Media {
    const own = { digest: read.digest, bytes: read.bytes };
    const encoder = this.#encoder(entry, read);
    if (needs.carries.length === 0) return { ...own, needs, encoder };
    for (const { content } of needs.carries) read.hash.update(content);
    const size = keptBytes(own.bytes, needs.carries);
    return { digest: read.hash.digest('base64url'), bytes: size, own, needs, encoder };
  }

  #encoder(entry: NeedingSegment, read?: ReadSegment): EncoderSegment {
    return {
      sequence: entry.sequence,
      name: nameOf(entry).slice(0, 1024),
      bytes: read?.bytes ?? bytes(0),
      modifiedAt: read?.modifiedAt ?? epochMs(0),
      targetDuration: Math.min(this.playlist.targetDuration ?? 0, 3600),
    };
  }

  async #keepGap(entry: NeedingSegment, reason: GapReason, behind: number): Promise<void> {
    this.source.inTrouble(gapTrouble(reason));
    // A run begins with media: what cannot be read before it was nobody's.
    if (this.#stamping.runOpens) return;
    await this.#commitGap(
      await this.#stamping.stamp(entry, { gap: reason, encoder: this.#encoder(entry) }, behind),
    );
  }

  async #commitGap(record: SegmentRecord): Promise<void> {
    this.ingest.events.gapStated(this.rendition.place, record);
    try {
      const staged = await this.ingest.sources.spool.stage();
      await this.#commit(staged, record);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
    this.#push(record);
  }

  #push(record: SegmentRecord): SegmentRecord {
    const { rendition, ingest, source } = this;
    for (const fallen of rendition.push(record)) ingest.sources.spool.drop(rendition.place, fallen);
    if (record.gap !== undefined) return record;
    source.tookIn(rendition, epochMs(record.at + Math.round(record.duration * 1000)), record.bytes);
    this.added += 1;
    ingest.events.segmentTaken(rendition.place, record);
    return record;
  }
}
