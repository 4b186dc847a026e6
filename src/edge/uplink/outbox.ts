import type { SegmentRecord } from '../../media/segment-record.ts';
import { bytes, millis } from '../../media/units.ts';
import type { Rendition } from '../rendition.ts';
import type { Source } from '../source.ts';
import type { Stretch } from '../spool/stretch-part.ts';
import { type Companion, chooseStretch } from './choose-stretch.ts';
import type { OutboxTools } from './outbox-tools.ts';
import { listedAndNew, neededTargetDuration, publishedOf } from './stretch.ts';
import { UplinkFailed, type UplinkTarget } from './uplink-client.ts';

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

/**
 * What of one rendition control is to get, each segment once, in order: records ahead of bytes, and of these
 * only what control lacks. What only recordings want is the recorder's.
 */
export class Outbox implements Companion {
  #wanted = false;
  /** Forwarding begins: what is left out now was never asked for. */
  #begins = false;
  /** This process was told to leave it out: control let its list go. */
  #wasLeft = false;
  /** It has gone along with the open stretch since then. */
  #isInStretch = false;
  /** Counts what may have made a difference to what control has: a link, a wish, a failure. */
  #changes = 1;
  /** The one since which all went well. Behind another one the outbox asks before it sends again. */
  #settled = 0;
  /** The newest number control has, or has been told is a gap; undefined until it is known. */
  #through: number | undefined;
  #announcedThrough = 0;
  /** The newest number that this process told control of. */
  #told = 0;
  /** Control has a list, which viewers may know. */
  #isListed = false;
  #failures = 0;
  /** The newest segment that could not be given to control for good; a stretch must begin behind it. */
  #broken = 0;
  readonly #attempts = new Map<number, { sent: number; refused: number }>();
  #wake: () => void = () => undefined;

  constructor(
    private readonly source: Source,
    private readonly rendition: Rendition,
    private readonly tools: OutboxTools,
    private readonly companions: () => Iterable<Companion>,
    /** Live got further, or was told otherwise: what recordings want may be another's to send now. */
    private readonly onProgress: () => void,
  ) {}

  get forwarding(): boolean {
    return this.#wanted;
  }

  get toldThrough(): number {
    const { name, restoredThrough } = this.rendition;
    return Math.max(this.#told, this.source.ledger.publishedThrough(name) ?? restoredThrough);
  }

  get isInStretch(): boolean {
    return (
      this.#wanted && this.#isInStretch && this.source.ledger.stretchOf(this.rendition.name) !== undefined
    );
  }

  /** Whether this segment is on its way to control, or about to be. */
  brings({ sequence, gap }: SegmentRecord): boolean {
    if (!this.#wanted || gap !== undefined || this.#failures >= FAILED_FOR_GOOD) return false;
    return this.#through === undefined || sequence > this.#through;
  }

  /** Control wants this rendition live, or no longer: then it lets its list go. */
  want(wanted: boolean): void {
    this.#wasLeft ||= this.#wanted && !wanted;
    this.#turn(wanted);
  }

  /** Control has been silent for so long that nothing is forwarded any more; its viewers may know its list. */
  forgotten(): void {
    this.#turn(false);
  }

  #turn(wanted: boolean): void {
    if (this.#wanted === wanted) return;
    this.#wanted = wanted;
    this.#begins = wanted;
    this.#isInStretch = false;
    this.#changes += 1;
    this.tools.events.forwardingChanged(this.rendition.place, wanted);
    this.onProgress();
    this.#wake();
  }

  /** A link has opened: what control has must be asked. */
  linkOpened(): void {
    this.#changes += 1;
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
    const { ledger } = this.source;
    const { name } = this.rendition;
    if (this.#through === undefined || ledger.publishedThrough(name) !== undefined) return;
    await ledger.rest(name, this.#through);
  }

  /** One step; true when there is nothing to do until something happens. */
  async #round(target: UplinkTarget, signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#publish(target);
    } catch (error) {
      if (!(error instanceof UplinkFailed)) throw error;
      this.#changes += 1;
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
    const { source, rendition } = this;
    const { ledger } = source;
    const changes = this.#changes;
    const paused = changes !== this.#settled;
    if (paused) await this.#ask(target);
    const records = rendition.liveFrom(ledger.floor.sequence + 1);
    const opened = await this.#stretchFor(records, paused);
    if (opened === undefined) return true;
    await ledger.resumeStretch(rendition.name);
    const stretch = opened.through === undefined ? await this.#raised(opened, records) : opened;
    if (stretch === undefined) return false;
    const announced = paused
      ? listedAndNew(records, stretch, this.#through!, this.tools.link.liveSegments)
      : publishedOf(records, stretch).filter(({ sequence }) => sequence > this.#announcedThrough);
    if (announced.length > 0) await this.#announceAndSend(target, announced);
    this.#failures = 0;
    this.#settled = changes;
    if (changes !== this.#changes) return false;
    this.#begins = false;
    this.#wasLeft = false;
    return false;
  }

  async #stretchFor(records: readonly SegmentRecord[], paused: boolean): Promise<Stretch | undefined> {
    const { source, tools } = this;
    const { name } = this.rendition;
    const before = source.ledger.stretchOf(name);
    const standing = {
      source,
      name,
      companions: [...this.companions()],
      through: this.#through!,
      broken: this.#broken,
      begins: this.#begins,
      isForgotten: this.#begins && this.#wasLeft && !this.#isListed,
      paused,
      liveSegments: tools.link.liveSegments,
    };
    const stretch = await chooseStretch(standing, records, tools.events);
    if (stretch === undefined) return undefined;
    if (stretch.through !== undefined) return stretch;
    if (stretch.ordinal !== before?.ordinal || stretch.from !== before.from) this.#announcedThrough = 0;
    this.#isInStretch = true;
    return stretch;
  }

  /** What control has. What an earlier process of this edge published is known only from it. */
  async #ask(target: UplinkTarget): Promise<void> {
    const { source, rendition, tools } = this;
    const { newest } = await tools.client.announce(target, rendition.place, []);
    this.#isListed = newest !== null;
    const remembered = this.#through ?? source.ledger.publishedThrough(rendition.name);
    if (remembered !== undefined) this.#through = Math.max(remembered, newest ?? 0);
    // Neither of us knows: all that was there when this process began may have been published.
    else this.#through = newest ?? rendition.restoredThrough;
    this.#announcedThrough = 0;
  }

  /**
   * A segment longer than the target duration raises it in place; that is told to the operator. Undefined where another
   * rendition has opened a stretch meanwhile.
   */
  async #raised(opened: Stretch, records: readonly SegmentRecord[]): Promise<Stretch | undefined> {
    const { ledger } = this.source;
    const needed = neededTargetDuration(records, opened);
    if (needed > opened.targetDuration) {
      this.tools.events.targetRaised(this.source.name, opened.targetDuration, needed);
      await ledger.raiseTarget(needed);
    }
    const stretch = ledger.stretchOf(this.rendition.name);
    return stretch?.ordinal === opened.ordinal ? stretch : undefined;
  }

  async #announceAndSend(target: UplinkTarget, announced: readonly SegmentRecord[]): Promise<void> {
    const { client } = this.tools;
    this.#told = Math.max(this.#told, announced.at(-1)!.sequence);
    const { lacking } = await client.announce(target, this.rendition.place, announced);
    this.#announcedThrough = announced.at(-1)!.sequence;
    const wanted = new Set(lacking);
    // As far as there is none missing before it.
    const here = new Set<number>();
    const arrived = (record: SegmentRecord) => {
      here.add(record.sequence);
      const missing = announced.findIndex(({ sequence }) => !here.has(sequence));
      const last = announced.at(missing < 0 ? -1 : missing - 1);
      if (missing !== 0 && last !== undefined) this.#reached(last);
    };
    const underWay = new Set<Promise<void>>();
    let failed: unknown;
    for (const record of announced) {
      if (failed !== undefined || !this.#wanted) break;
      if (!wanted.has(record.sequence)) {
        arrived(record);
        continue;
      }
      const sending = this.#send(target, record)
        .then(
          () => arrived(record),
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
    this.#reached(announced.at(-1)!);
    for (const sequence of this.#attempts.keys()) {
      if (sequence < announced[0]!.sequence) this.#attempts.delete(sequence);
    }
  }

  #reached(record: SegmentRecord): void {
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
