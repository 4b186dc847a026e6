import { shortestSuffix } from '../../media/live-list.ts';
import { roundedDuration, type SegmentRecord } from '../../media/segment-record.ts';
import { bytes, millis } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { EdgeEvents } from '../events.ts';
import type { Rendition } from '../rendition.ts';
import type { Source } from '../source.ts';
import type { Stretch } from '../spool/ledger.ts';
import type { Spool } from '../spool/spool.ts';
import type { Line } from './line.ts';
import { chooseTargetDuration, planStretch, publish } from './stretch.ts';
import { type UplinkClient, UplinkFailed, type UplinkTarget } from './uplink-client.ts';

/** Segments of one rendition that are on their way at once: enough to fill a line with a long round trip. */
const IN_FLIGHT = 2;
/** After so many failures in a row recordings do not wait for live any more. */
const FAILED_FOR_GOOD = 5;
const PAUSE_MIN_MS = 100;
const PAUSE_MAX_MS = 2_000;
/** A segment that control refuses this often is left out: it must not hold up what follows. */
const REFUSED_AT_MOST = 3;

/** Failures that lie in the segment, not in the line. */
const LASTING: ReadonlySet<string> = new Set([
  'spool_unreadable',
  'digest_mismatch',
  'too_large',
  'conflict',
]);

/** What an outbox needs of the link. */
export interface LinkView {
  /** Where to send; undefined while that is not known. */
  readonly target: UplinkTarget | undefined;
  /** How many segments control's live lists hold at least. */
  readonly liveSegments: number;
  /** Control does not take this link's word any more. */
  stale(target: UplinkTarget): void;
}

export type OutboxTools = {
  readonly link: LinkView;
  readonly client: UplinkClient;
  readonly spool: Spool;
  readonly clock: Clock;
  readonly events: EdgeEvents;
  readonly line: Line;
};

/**
 * What of one rendition control is to get, each segment once, in order: records ahead of bytes, and of these
 * only what control lacks. What only recordings want is the recorder's.
 */
export class Outbox {
  #wanted = false;
  /** Forwarding begins: what is left out now was never asked for. */
  #begins = false;
  /** Set after anything that may have been lost: the outbox asks before it sends again. */
  #askFirst = true;
  /** The newest number control has, or has been told is a gap; undefined until it is known. */
  #through: number | undefined;
  #announcedThrough = 0;
  #failures = 0;
  /** The newest segment that could not be given to control for good; a stretch must begin behind it. */
  #broken = 0;
  readonly #attempts = new Map<number, { sent: number; refused: number }>();
  #wake: () => void = () => undefined;

  constructor(
    private readonly source: Source,
    private readonly rendition: Rendition,
    private readonly tools: OutboxTools,
    /** Live got further, or was told otherwise: what recordings want may be another's to send now. */
    private readonly onProgress: () => void,
  ) {}

  get forwarding(): boolean {
    return this.#wanted;
  }

  /** Whether this segment is on its way to control, or about to be. */
  brings({ sequence, gap }: SegmentRecord): boolean {
    if (!this.#wanted || gap !== undefined || this.#failures >= FAILED_FOR_GOOD) return false;
    return this.#through === undefined || sequence > this.#through;
  }

  /** Control wants this rendition live, or no longer. */
  want(wanted: boolean): void {
    if (this.#wanted === wanted) return;
    this.#wanted = wanted;
    this.#begins = wanted;
    this.#askFirst = true;
    this.tools.events.forwardingChanged(this.source.name, wanted);
    this.onProgress();
    this.#wake();
  }

  /** A link has opened: what control has must be asked. */
  linkOpened(): void {
    this.#askFirst = true;
    this.#failures = 0;
    this.#wake();
  }

  /** Sends until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const stopFollowing = this.rendition.follow(() => this.#wake());
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    while (!signal.aborted) {
      const news = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const { target } = this.tools.link;
      if (!this.#wanted) await this.#rest();
      const rests = !this.#wanted || target === undefined || (await this.#round(target, signal));
      if (rests && !signal.aborted) await news;
    }
    stopFollowing();
    await this.#rest();
  }

  async #rest(): Promise<void> {
    if (this.#through === undefined || this.source.ledger.publishedThrough !== undefined) return;
    await this.source.ledger.rest(this.#through);
  }

  /** One step; true when there is nothing to do until something happens. */
  async #round(target: UplinkTarget, signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#publish(target);
    } catch (error) {
      if (!(error instanceof UplinkFailed)) throw error;
      this.#askFirst = true;
      this.tools.events.uplinkFailed(this.source.name, error.code);
      if (error.code === 'stale_link') {
        this.tools.link.stale(target);
        return true;
      }
      this.#failures += 1;
      if (this.#failures === FAILED_FOR_GOOD) this.onProgress();
      const pause = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** Math.min(this.#failures - 1, 10));
      await this.tools.clock.sleep(millis(pause * (0.5 + Math.random() / 2)), signal);
      return false;
    }
  }

  async #publish(target: UplinkTarget): Promise<boolean> {
    const { source, tools, rendition } = this;
    const { ledger } = source;
    const paused = this.#askFirst;
    if (paused) await this.#ask(target);
    const records = rendition.liveFrom(ledger.floor.sequence + 1);
    let { stretch } = ledger;
    if (stretch !== undefined && stretch.first <= this.#broken) stretch = undefined;
    const plan = planStretch(records, stretch, this.#through!, paused, tools.link.liveSegments);
    if (plan.kind === 'open') {
      stretch = await ledger.openStretch(plan.first.sequence, chooseTargetDuration(records));
      tools.events.stretchOpened(source.name, stretch.first, this.#begins ? 0 : plan.skipped);
      this.#announcedThrough = 0;
    } else if (stretch === undefined || (plan.kind === 'rest' && !paused)) {
      return true;
    }
    await ledger.resumeStretch();
    stretch = await this.#raiseTarget(stretch, records);
    const announced = this.#toAnnounce(stretch, records, paused);
    if (announced.length > 0) await this.#announceAndSend(target, stretch, announced);
    this.#askFirst = false;
    this.#begins = false;
    this.#failures = 0;
    return false;
  }

  /** What control has. What an earlier process of this edge published is known only from it. */
  async #ask(target: UplinkTarget): Promise<void> {
    const { source, rendition, tools } = this;
    const { newest } = await tools.client.announce(target, rendition.place, []);
    const remembered = this.#through ?? source.ledger.publishedThrough;
    if (remembered !== undefined) this.#through = Math.max(remembered, newest ?? 0);
    // Neither of us knows: all that was there when this process began may have been published.
    else this.#through = newest ?? source.restoredThrough;
    this.#announcedThrough = 0;
  }

  /** A segment longer than the target duration raises it in place; that is told to the operator. */
  async #raiseTarget(stretch: Stretch, records: readonly SegmentRecord[]): Promise<Stretch> {
    const ofStretch = records.filter(
      (record) => record.sequence >= stretch.first && record.gap === undefined,
    );
    const needed = Math.max(...ofStretch.map(roundedDuration), 1);
    if (needed <= stretch.targetDuration) return stretch;
    this.tools.events.targetRaised(this.source.name, stretch.targetDuration, needed);
    return this.source.ledger.raiseTarget(needed);
  }

  /** What is new; after a pause all that control must list, since it may have been restarted. */
  #toAnnounce(
    stretch: Stretch,
    records: readonly SegmentRecord[],
    paused: boolean,
  ): readonly SegmentRecord[] {
    const ofStretch = records
      .filter((record) => record.sequence >= stretch.first)
      .map((record) => publish(record, stretch));
    if (!paused) return ofStretch.filter((record) => record.sequence > this.#announcedThrough);
    const listed = shortestSuffix(ofStretch, this.tools.link.liveSegments);
    const from = Math.min(listed[0]?.sequence ?? 0, this.#through! + 1);
    return ofStretch.filter((record) => record.sequence >= from);
  }

  async #announceAndSend(
    target: UplinkTarget,
    stretch: Stretch,
    announced: readonly SegmentRecord[],
  ): Promise<void> {
    const { client } = this.tools;
    const { lacking } = await client.announce(target, this.rendition.place, announced);
    this.#announcedThrough = announced.at(-1)!.sequence;
    const wanted = new Set(lacking);
    const underWay = new Set<Promise<void>>();
    let failed: unknown;
    for (const record of announced) {
      if (failed !== undefined || !this.#wanted) break;
      if (!wanted.has(record.sequence)) {
        if (underWay.size === 0) this.#reached(record, stretch);
        continue;
      }
      const sending = this.#send(target, record)
        .then(
          () => this.#reached(record, stretch),
          (error) => {
            failed ??= error;
          },
        )
        .finally(() => underWay.delete(sending));
      underWay.add(sending);
      if (underWay.size >= IN_FLIGHT) await Promise.race(underWay);
    }
    await Promise.all(underWay);
    if (failed !== undefined) throw failed;
    if (!this.#wanted) return;
    this.#reached(announced.at(-1)!, stretch);
    for (const sequence of this.#attempts.keys()) {
      if (sequence < announced[0]!.sequence) this.#attempts.delete(sequence);
    }
  }

  #reached(record: SegmentRecord, stretch: Stretch): void {
    if (this.source.ledger.stretch?.ordinal !== stretch.ordinal) return;
    this.#through = Math.max(this.#through ?? 0, record.sequence);
    this.onProgress();
  }

  async #send(target: UplinkTarget, record: SegmentRecord): Promise<void> {
    const { client, spool, clock, events } = this.tools;
    const attempts = this.#attempts.get(record.sequence) ?? { sent: 0, refused: 0 };
    this.#attempts.set(record.sequence, attempts);
    const startedAt = clock.monotonic();
    try {
      await this.tools.line.live(record.bytes, () =>
        client.send(target, this.rendition.place, record, spool.stream(this.rendition.place, record)),
      );
    } catch (error) {
      if (error instanceof UplinkFailed && LASTING.has(error.code)) attempts.refused += 1;
      if (attempts.refused >= REFUSED_AT_MOST) this.#broken = Math.max(this.#broken, record.sequence);
      throw error;
    } finally {
      attempts.sent += 1;
    }
    this.source.forwardedBytes = bytes(this.source.forwardedBytes + record.bytes);
    events.segmentSent(this.source.name, record, attempts.sent > 1, millis(clock.monotonic() - startedAt));
  }
}
