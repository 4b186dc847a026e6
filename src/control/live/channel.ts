import { cutOut, partNamed } from '../../media/carried.ts';
import { lastsEnough, liveList, MIN_TARGET_DURATIONS, totalDuration } from '../../media/live-list.ts';
import type { SegmentRecord } from '../../media/segment-record.ts';
import { type Bytes, bytes, type Millis, millis, type Seconds, seconds } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';
import { type RenderedPlaylist, renderLive } from '../../serve/rendered-playlist.ts';

/** A segment whose bytes the channel owns. */
type Held = {
  readonly record: SegmentRecord;
  readonly bytes: Buffer;
  /** The longest list that it stood in. */
  longestList: Seconds;
  /** When it may go: set when it has left the list. */
  releaseAt: Millis | undefined;
};

/** Records that are announced and not listed yet: more than any tail has. */
const MAX_ANNOUNCED = 4_000;

/**
 * A rendition as control publishes it. It owns the bytes it lists, and those it has listed for as long as a
 * player may still want them (rule A2): nothing that is listed depends on a cache.
 */
export class Channel {
  /** What may be listed next, ascending: the list, and what was announced behind it. */
  #records: SegmentRecord[] = [];
  readonly #held = new Map<number, Held>();
  #bytes = 0;
  #list: readonly SegmentRecord[] = [];
  #rendered: RenderedPlaylist | undefined;
  #changedAt: Millis;
  /** A first list waits for all that was announced with it. */
  #opensAfter = 0;
  /** Where the newest list begins or began: one that comes back after it was let go begins no earlier (RFC 8216 §6.2.2). */
  #listedFrom = 0;
  readonly #waiting = new Set<() => void>();

  constructor(
    readonly source: string,
    readonly rendition: string,
    private readonly minSegments: number,
    private readonly clock: Clock,
    private readonly onRendered: () => void,
  ) {
    this.#changedAt = clock.monotonic();
  }

  /** The playlist as it is now; undefined while there is none to show. */
  get rendered(): RenderedPlaylist | undefined {
    return this.#rendered;
  }

  get list(): readonly SegmentRecord[] {
    return this.#list;
  }

  /** Bytes this channel holds in memory. */
  get bytes(): Bytes {
    return bytes(this.#bytes);
  }

  /** The newest number whose bytes are here, and nothing before it in its list lacking. */
  get newest(): number | undefined {
    return this.#list.at(-1)?.sequence;
  }

  get targetDuration(): number {
    return this.#list.at(-1)?.targetDuration ?? 0;
  }

  /** How long the list has stood still. */
  get unchangedFor(): Millis {
    return millis(this.clock.monotonic() - this.#changedAt);
  }

  /**
   * Takes records in and answers which bytes are lacking. What is known already, or too old to list, changes nothing.
   * None: the edge asks what is here before it announces anew. What was announced and lacks its bytes may never come then.
   */
  announce(records: readonly SegmentRecord[]): readonly SegmentRecord[] {
    if (records.length === 0) this.#forgetLacking();
    const fresh = records.filter((record) => this.#isNews(record));
    if (fresh.length > 0) {
      const begins = this.#records.length === 0;
      const replaced = new Set(fresh.map((record) => record.sequence));
      const kept = this.#records.filter((record) => !replaced.has(record.sequence));
      this.#records = [...kept, ...fresh].sort((a, b) => a.sequence - b.sequence).slice(-MAX_ANNOUNCED);
      if (begins) this.#opensAfter = this.#records.at(-1)!.sequence;
      for (const record of fresh) this.#holdOn(record);
      this.#refresh();
    }
    return records.filter(
      (record) =>
        record.gap === undefined && !this.#held.has(record.sequence) && this.#isAnnounced(record.sequence),
    );
  }

  #forgetLacking(): void {
    const lacking = this.#records.findIndex(({ gap, sequence }) => gap === undefined && !this.has(sequence));
    if (lacking >= 0) this.#records = this.#records.slice(0, lacking);
  }

  /** The announced record of that number. */
  find(sequence: number): SegmentRecord | undefined {
    return this.#records.find((record) => record.sequence === sequence) ?? this.#held.get(sequence)?.record;
  }

  has(sequence: number): boolean {
    return this.#held.has(sequence);
  }

  /** Bytes that were checked against their record. Again is a no-op. */
  accept(record: SegmentRecord, content: Buffer): void {
    if (this.#held.has(record.sequence)) return;
    this.#held.set(record.sequence, {
      record,
      bytes: content,
      longestList: seconds(0),
      releaseAt: undefined,
    });
    this.#bytes += content.length;
    this.#refresh();
  }

  /** The bytes of a segment, or of what one carries, by what its URL says. */
  segment(sequence: number, fileName: string): Buffer | undefined {
    const held = this.#held.get(sequence);
    return (held && bytesNamed(held, fileName)) ?? this.#carried(fileName);
  }

  /** An init section or a key has the number of the first segment that carried it, which may be gone. */
  #carried(fileName: string): Buffer | undefined {
    for (const held of this.#held.values()) {
      if (held.record.carries === undefined) continue;
      const found = bytesNamed(held, fileName);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The bytes that were announced with this digest, where they are here. */
  content(sequence: number, digest: string): Buffer | undefined {
    const held = this.#held.get(sequence);
    return held?.record.digest === digest ? held.bytes : undefined;
  }

  /**
   * The first list: as soon as it lasts three target durations, after `wait` whatever there is by then; undefined
   * when that is nothing, or when the signal aborts.
   */
  async firstList(wait: Millis, signal: AbortSignal): Promise<RenderedPlaylist | undefined> {
    if (this.#rendered !== undefined) return this.#rendered;
    const arrived = new AbortController();
    const tell = () => arrived.abort();
    this.#waiting.add(tell);
    await this.clock.sleep(wait, AbortSignal.any([arrived.signal, signal]));
    this.#waiting.delete(tell);
    if (!signal.aborted && !arrived.signal.aborted) this.#refresh('early');
    return this.#rendered;
  }

  /** Nothing will come: who waits for a first list is let go. */
  release(): void {
    for (const tell of this.#waiting) tell();
  }

  /** Nobody watches any more: the list goes, so that nobody gets an old one; its segments stay as long as rule A2 says. */
  drop(): void {
    this.release();
    if (this.#list.length === 0 && this.#records.length === 0) return;
    for (const record of this.#list) this.#leave(record.sequence);
    for (const held of this.#held.values()) held.releaseAt ??= this.clock.monotonic();
    this.#records = [];
    this.#list = [];
    this.#rendered = undefined;
  }

  /** Lets go of what left the list long enough ago. */
  sweep(): void {
    const now = this.clock.monotonic();
    for (const held of this.#held.values()) {
      if (held.releaseAt !== undefined && held.releaseAt <= now) this.#release(held);
    }
  }

  /** How long a segment may be asked for after it has left a list of the usual length: rule A2 in RFC 8216's form. */
  availability(record: SegmentRecord): Seconds {
    const usual = Math.max(this.minSegments, MIN_TARGET_DURATIONS) * record.targetDuration;
    return seconds(record.duration + Math.max(usual, totalDuration(this.#list)));
  }

  /**
   * Whether a record may still be listed. What is listed never changes; what was announced and not listed may be
   * announced anew, as part of a later stretch.
   */
  #isNews(record: SegmentRecord): boolean {
    const newestListed = this.#list.at(-1)?.sequence;
    if (newestListed !== undefined && record.sequence <= newestListed) return false;
    const newest = this.#records.at(-1);
    if (newest !== undefined && record.listFrom < newest.listFrom) return false;
    const known = this.#records.find(({ sequence }) => sequence === record.sequence);
    return known === undefined || known.listFrom < record.listFrom;
  }

  #isAnnounced(sequence: number): boolean {
    return this.#records.some((record) => record.sequence === sequence);
  }

  /** Bytes that are here already are not let go before their record is listed. Other bytes under its number are of no use. */
  #holdOn(record: SegmentRecord): void {
    const held = this.#held.get(record.sequence);
    if (held === undefined) return;
    if (held.record.digest === record.digest) held.releaseAt = undefined;
    else this.#release(held);
  }

  #release(held: Held): void {
    this.#held.delete(held.record.sequence);
    this.#bytes -= held.bytes.length;
  }

  /** Lists what may be listed: records in a row whose bytes are here. */
  #refresh(first: 'whole' | 'early' = 'whole'): void {
    const list = this.#nextList(first);
    if (list.length === 0 || sameList(list, this.#list)) return;
    const listed = new Set(list.map((record) => record.sequence));
    const lasting = totalDuration(list);
    for (const record of list) {
      const held = this.#held.get(record.sequence);
      if (held === undefined) continue;
      held.longestList = seconds(Math.max(held.longestList, lasting));
      held.releaseAt = undefined;
    }
    const left = this.#list.filter((record) => !listed.has(record.sequence));
    this.#list = list;
    this.#listedFrom = list[0]!.sequence;
    this.#records = this.#records.filter((record) => record.sequence >= this.#listedFrom);
    for (const record of left) this.#leave(record.sequence);
    this.#releaseUnlisted(list[0]!.sequence);
    this.#changedAt = this.clock.monotonic();
    this.#rendered = renderLive(this.source, this.rendition, list);
    this.onRendered();
    for (const tell of this.#waiting) tell();
  }

  #nextList(first: 'whole' | 'early'): readonly SegmentRecord[] {
    const available: SegmentRecord[] = [];
    let lacking: SegmentRecord | undefined;
    for (const record of this.#records) {
      if (record.sequence < this.#listedFrom) continue;
      if (lacking !== undefined && lacking.listFrom === record.listFrom) continue;
      if (record.gap !== undefined || this.#held.has(record.sequence)) available.push(record);
      else lacking = record;
    }
    const list = liveList(available, this.minSegments);
    if (this.#list.length > 0 || list.length === 0) return list;
    // After a restart of this node viewers know all that was announced first; before it is here, none of it is shown.
    if (list.at(-1)!.sequence < this.#opensAfter) return [];
    return first === 'early' || lastsEnough(list) ? list : [];
  }

  /** What came for a stretch that was overtaken is of no use. */
  #releaseUnlisted(firstListed: number): void {
    for (const held of this.#held.values()) {
      if (held.record.sequence < firstListed) held.releaseAt ??= this.clock.monotonic();
    }
  }

  #leave(sequence: number): void {
    const held = this.#held.get(sequence);
    if (held === undefined) return;
    const staysFor = (held.record.duration + held.longestList) * 1000;
    held.releaseAt = millis(this.clock.monotonic() + staysFor);
  }
}

function bytesNamed({ record, bytes: kept }: Held, fileName: string): Buffer | undefined {
  const part = partNamed(record, fileName);
  return part && cutOut(kept, part);
}

const sameList = (a: readonly SegmentRecord[], b: readonly SegmentRecord[]): boolean =>
  a.length === b.length && a[0]?.sequence === b[0]?.sequence && a.at(-1)?.sequence === b.at(-1)?.sequence;
