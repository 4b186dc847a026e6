import { createHash } from 'node:crypto';
import { pipeline, type Readable } from 'node:stream';
import type { SegmentRecord } from '../../media/segment-record.ts';
import type { Span } from '../../media/span.ts';
import { bytes, millis } from '../../media/units.ts';
import { type KeepAnswer, type LackingObject, MAX_KEEP_RECORDS } from '../../wire/keep.ts';
import type { Rendition } from '../rendition.ts';
import type { Source } from '../source.ts';
import type { Sources } from '../sources.ts';
import type { Line } from './line.ts';
import type { OutboxTools } from './outbox-tools.ts';
import { type Ticket, UplinkFailed, type UplinkTarget } from './uplink-client.ts';

const PAUSE_MIN_MS = 200;
const PAUSE_MAX_MS = 20_000;
/** Control has bytes that it has not stored yet. */
const ASK_AGAIN_MS = 500;
/** Bytes that cannot be read, or are others than they were, this often are lost. */
const UNREADABLE_AT_MOST = 3;

export type RecorderTools = OutboxTools & {
  readonly sources: Sources;
  readonly line: Line;
  /** Something was settled: control should be told. */
  readonly settled: () => void;
};

/**
 * Brings what recordings want of one rendition to the store, oldest first, behind live: it announces records, sends
 * the bytes that neither control nor the store has, by ticket, and asks again until each is settled.
 */
export class Recorder {
  #failures = 0;
  /** Where the last try failed. */
  #failedAt: UplinkTarget | undefined;
  readonly #unreadable = new Map<number, number>();
  readonly #md5 = new Map<number, string>();
  readonly #sentBefore = new Set<number>();
  #hurry = new AbortController();
  #syncing: Promise<void> | undefined;
  /** For which spans, and up to which number, it is known what was synced. */
  #looked: { readonly spans: readonly Span[]; readonly through: number } | undefined;

  constructor(
    private readonly source: Source,
    private readonly rendition: Rendition,
    private readonly tools: RecorderTools,
    /** Whether live is about to bring this segment to control anyway. */
    private readonly isLeftToLive: (record: SegmentRecord) => boolean,
  ) {}

  /** Something changed: a record, what is wanted, the link, what live has sent. */
  wake(): void {
    this.#hurry.abort();
  }

  /** Delivers until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const stopFollowing = this.rendition.follow(() => this.wake());
    while (!signal.aborted) {
      // Beside delivering: hundreds of syncs must not delay the first byte.
      this.#syncing ??= this.#makeDurable(signal).finally(() => {
        this.#syncing = undefined;
      });
      this.#hurry = new AbortController();
      const pause = await this.#round(signal);
      const woken = AbortSignal.any([signal, this.#hurry.signal]);
      if (pause === undefined) await aborted(woken);
      else if (this.#failures > 0) await this.#recover(pause, signal);
      else await this.tools.clock.sleep(millis(pause), woken);
    }
    stopFollowing();
    await this.#syncing;
  }

  /** After a failure news is no reason to hurry: the line or the store is in trouble. A new link is one. */
  async #recover(pause: number, signal: AbortSignal): Promise<void> {
    const { clock, link } = this.tools;
    const until = clock.monotonic() + pause;
    while (!signal.aborted && link.target === this.#failedAt && clock.monotonic() < until) {
      this.#hurry = new AbortController();
      const woken = AbortSignal.any([signal, this.#hurry.signal]);
      await clock.sleep(millis(until - clock.monotonic()), woken);
    }
  }

  /** One step. How long to pause, undefined: until something happens. */
  async #round(signal: AbortSignal): Promise<number | undefined> {
    const { target } = this.tools.link;
    const wanted = target === undefined ? [] : this.#next();
    if (target === undefined || wanted.length === 0) return undefined;
    try {
      const answer = await this.#announce(target, wanted);
      for (const lacking of answer.lacking) {
        const record = wanted.find(({ sequence }) => sequence === lacking.sequence);
        if (record !== undefined && !signal.aborted) await this.#deliver(target, record, lacking, signal);
      }
      this.#failures = 0;
      const moves = answer.settled.length > 0 || answer.lacking.length > 0;
      return moves ? 0 : ASK_AGAIN_MS;
    } catch (error) {
      if (!(error instanceof UplinkFailed)) throw error;
      return this.#failed(error, target);
    }
  }

  #failed(error: UplinkFailed, target: UplinkTarget): number | undefined {
    this.tools.events.recordingDelayed(this.source.name, error.code);
    if (error.code === 'stale_link') {
      this.tools.link.stale(target);
      return undefined;
    }
    this.#failures = this.#failedAt === target ? this.#failures + 1 : 1;
    this.#failedAt = target;
    const bound = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** Math.min(this.#failures - 1, 10));
    return bound * (0.5 + Math.random() / 2);
  }

  /** The oldest segments that are wanted, without those that live brings. */
  #next(): readonly SegmentRecord[] {
    const wanted: SegmentRecord[] = [];
    for (const record of this.rendition.keep.unsettled(this.rendition.window.records)) {
      if (this.isLeftToLive(record)) continue;
      wanted.push(record);
      if (wanted.length === MAX_KEEP_RECORDS) break;
    }
    return wanted;
  }

  /** What was in the window before a recording wanted it was not synced when it came. */
  async #makeDurable(signal: AbortSignal): Promise<void> {
    const { keep, place } = this.rendition;
    for (let records = this.#notSynced(); records.length > 0; records = this.#notSynced()) {
      for (const record of records) {
        if (signal.aborted) return;
        // It was delivered meanwhile, or nobody wants it any more.
        if (!keep.wants(record)) continue;
        // Marked first: a file that cannot be synced now is not tried again and again.
        keep.markDurable(record);
        await this.tools.spool.sync(place, record).catch((error: Error) => {
          if (keep.wants(record)) this.tools.events.spoolFailed('sync', error);
        });
      }
    }
  }

  /** Wanted segments that were not looked at yet: all of them for other spans, else the newest. */
  #notSynced(): readonly SegmentRecord[] {
    const { keep, window } = this.rendition;
    const { spans } = keep;
    const known = this.#looked?.spans === spans ? this.#looked.through : undefined;
    this.#looked = { spans, through: window.newest?.sequence ?? 0 };
    const records = known === undefined ? [...keep.unsettled(window.records)] : window.from(known + 1);
    return records.filter((record) => keep.wants(record) && !keep.isDurable(record));
  }

  async #announce(target: UplinkTarget, records: readonly SegmentRecord[]): Promise<KeepAnswer> {
    const md5 = Object.fromEntries(
      records.flatMap(({ sequence }) => {
        const known = this.#md5.get(sequence);
        return known === undefined ? [] : [[sequence, known]];
      }),
    );
    const { client, sources, settled } = this.tools;
    const answer = await client.keep(target, this.rendition.place, {
      records,
      ...(Object.keys(md5).length > 0 && { md5 }),
    });
    sources.settle(this.rendition, answer.settled);
    for (const sequence of answer.settled) {
      this.#md5.delete(sequence);
      this.#unreadable.delete(sequence);
      this.#sentBefore.delete(sequence);
    }
    if (answer.settled.length > 0) settled();
    return answer;
  }

  async #deliver(
    target: UplinkTarget,
    record: SegmentRecord,
    lacking: LackingObject,
    signal: AbortSignal,
  ): Promise<void> {
    if (record.gap !== undefined) return;
    await this.tools.line.free(signal);
    try {
      if ('needs' in lacking) {
        const content = await this.tools.spool.read(this.rendition.place, record).catch(unreadable);
        // The store checks the MD5 alone: it would take other bytes for these.
        if (createHash('sha256').update(content).digest('base64url') !== record.digest) {
          throw new UplinkFailed('digest_mismatch', 'the spool gave other bytes than were put there');
        }
        this.#md5.set(record.sequence, createHash('md5').update(content).digest('base64'));
      } else await this.#send(target, record, lacking, signal);
    } catch (error) {
      if (!(error instanceof UplinkFailed)) throw error;
      if (error.code !== 'spool_unreadable' && error.code !== 'digest_mismatch') throw error;
      this.#couldNotRead(record);
    }
  }

  async #send(
    target: UplinkTarget,
    record: SegmentRecord,
    ticket: Ticket,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, spool, line, clock, events } = this.tools;
    const startedAt = clock.monotonic();
    const again = this.#sentBefore.has(record.sequence);
    this.#sentBefore.add(record.sequence);
    // Refused or not, the next ticket is asked for with what the disk gives then.
    this.#md5.delete(record.sequence);
    const content = throttled(spool.stream(this.rendition.place, record), line, signal);
    await client.store(target, ticket, record, content);
    this.source.forwardedBytes = bytes(this.source.forwardedBytes + record.bytes);
    events.segmentSent(this.source.name, record, again, millis(clock.monotonic() - startedAt));
  }

  /** The disk gave other bytes than were put there, or none: after some tries they are lost, and that is stated. */
  #couldNotRead(record: SegmentRecord): void {
    const times = (this.#unreadable.get(record.sequence) ?? 0) + 1;
    this.#unreadable.set(record.sequence, times);
    if (times < UNREADABLE_AT_MOST) return;
    this.rendition.keep.lose(record, 'spool_corrupt');
    this.tools.events.spoolCorrupt(this.rendition.place, record);
  }
}

function throttled(content: Readable, line: Line, signal: AbortSignal): Readable {
  const throttle = line.throttle(signal);
  if (throttle === undefined) return content;
  return pipeline(content, throttle, () => undefined);
}

function unreadable(error: Error): never {
  throw new UplinkFailed('spool_unreadable', error.message);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
