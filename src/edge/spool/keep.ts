import type { SegmentRecord } from '../../media/segment-record.ts';
import { coveredBy, endOf, type Span } from '../../media/span.ts';
import { type Bytes, bytes, type EpochMs, epochMs } from '../../media/units.ts';

/**
 * What recordings want of a rendition, and what has become of it. A segment that a span covers is *wanted* until
 * it is settled: stored, or lost for ever. A wanted segment that leaves the window is held on to.
 */
export class Keep {
  #spans: readonly Span[];
  /** Numbers that are settled, as long as their segments are in the window. */
  readonly #settled = new Set<number>();
  /** Wanted segments that have left the window, ascending. */
  readonly #held = new Map<number, SegmentRecord>();
  /** Bytes of those held, without what was lost: counted as they come and go, since there may be tens of thousands. */
  #heldBytes = 0;
  /** Segments whose bytes were lost here, as the gaps that are announced instead. */
  readonly #lost = new Map<number, SegmentRecord>();
  readonly #durable = new Set<number>();

  constructor(
    spans: readonly Span[],
    /** What lies before this moment may have been let go; 0: nothing ever was. */
    private letGoUntil: EpochMs,
  ) {
    this.#spans = spans;
  }

  get spans(): readonly Span[] {
    return this.#spans;
  }

  /** All that was announced since this moment is here; 0 when nothing was ever let go. */
  get reach(): EpochMs {
    return this.letGoUntil;
  }

  /** What lies before this moment was another spool's, which is lost. */
  beganAt(moment: EpochMs): void {
    this.letGoUntil = epochMs(Math.max(this.letGoUntil, moment));
  }

  /** Whether a recording still waits for this segment. */
  wants(record: SegmentRecord): boolean {
    return !this.#settled.has(record.sequence) && coveredBy(this.#spans, record);
  }

  /**
   * Other spans. Returns the segments that were held and are not wanted any more. What was settled for earlier ones
   * may have been deleted since: it is announced again, and control says what it has.
   */
  setSpans(spans: readonly Span[]): readonly SegmentRecord[] {
    this.#spans = spans;
    this.#settled.clear();
    const freed = [...this.#held.values()].filter((record) => !this.wants(record));
    for (const record of freed) this.#letGo(record);
    return freed;
  }

  /** Control may have lost its catalog, or be another one: it is asked anew what it has of what is still here. */
  askAgain(): void {
    this.#settled.clear();
  }

  /** A segment has left the window. True when its bytes may go; else it is held. */
  leftWindow(record: SegmentRecord): boolean {
    if (this.wants(record)) {
      this.#held.set(record.sequence, record);
      this.#heldBytes += this.#asAnnounced(record).bytes;
      return false;
    }
    this.#letGo(record);
    return true;
  }

  /** A segment is stored, or a gap is. Returns its record where its bytes may go: it was held. */
  settle(sequence: number): SegmentRecord | undefined {
    this.#settled.add(sequence);
    const held = this.#held.get(sequence);
    if (held !== undefined) this.#letGo(held);
    return held;
  }

  /** The bytes of a wanted segment are lost: a gap is announced in its place. */
  lose(record: SegmentRecord, reason: 'spool_corrupt'): void {
    if (this.#held.has(record.sequence)) this.#heldBytes -= this.#asAnnounced(record).bytes;
    this.#lost.set(record.sequence, { ...record, digest: '', bytes: bytes(0), gap: reason });
  }

  /** Wanted segments, oldest first, as they are to be announced. `window`: what is not held. */
  *unsettled(window: readonly SegmentRecord[]): Iterable<SegmentRecord> {
    if (this.#spans.length === 0) return;
    for (const record of this.#held.values()) yield this.#asAnnounced(record);
    for (const record of window) if (this.wants(record)) yield this.#asAnnounced(record);
  }

  /** Bytes that are wanted and not settled yet. */
  backlog(window: readonly SegmentRecord[]): Bytes {
    let sum = this.#heldBytes;
    for (const record of window) if (this.wants(record)) sum += this.#asAnnounced(record).bytes;
    return bytes(sum);
  }

  /** Whether a segment was synced to the disk; `markDurable` says so. */
  isDurable(record: SegmentRecord): boolean {
    return this.#durable.has(record.sequence);
  }

  markDurable(record: SegmentRecord): void {
    this.#durable.add(record.sequence);
  }

  #asAnnounced(record: SegmentRecord): SegmentRecord {
    return this.#lost.get(record.sequence) ?? record;
  }

  #letGo(record: SegmentRecord): void {
    const { sequence } = record;
    this.letGoUntil = epochMs(Math.max(this.letGoUntil, endOf(record)));
    if (this.#held.delete(sequence)) this.#heldBytes -= this.#asAnnounced(record).bytes;
    this.#lost.delete(sequence);
    this.#durable.delete(sequence);
    this.#settled.delete(sequence);
  }
}
