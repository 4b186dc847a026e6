import { setMaxListeners } from 'node:events';
import { LiveMixError } from '../../media/error.ts';
import { type Bytes, bytes, millis } from '../../media/units.ts';
import type { SystemClock } from '../../runtime/clock.ts';
import {
  type Desired,
  type Hello,
  PROTOCOL,
  type Report,
  type SourceReport,
} from '../../wire/link-messages.ts';
import type { EdgeEvents } from '../events.ts';
import type { Rendition } from '../rendition.ts';
import type { Source } from '../source.ts';
import type { Sources } from '../sources.ts';
import { fittingReport } from './fitting-report.ts';
import { Line } from './line.ts';
import { Link, type LinkClient } from './link.ts';
import { Outbox } from './outbox.ts';
import type { LinkView } from './outbox-tools.ts';
import { keptOnly, reconcile } from './reconcile.ts';
import { Recorder } from './recorder.ts';
import { UplinkClient, type UplinkTarget } from './uplink-client.ts';

/** Control takes at most 50 messages a second, and writes down what each of them settles. */
const SETTLED_WITHIN = millis(200);

export type UplinkSettings = {
  readonly controls: readonly URL[];
  readonly edge: string;
  readonly token: string | undefined;
  readonly version: string;
  readonly maxSpoolBytes: number;
  /** What recordings may take of the line, bytes a second; undefined: all of it. */
  readonly rate: Bytes | undefined;
};

/** What sends of one rendition. */
type Sender = { readonly outbox: Outbox; readonly recorder: Recorder };

const nameOf = ({ name }: Rendition): string => name;

/** The edge's side towards control: what it reports, what it is told, and the outboxes that send. */
export class Uplink implements LinkClient, LinkView {
  readonly #link: Link;
  readonly #client = new UplinkClient();
  readonly #line: Line;
  /** By source and rendition. */
  readonly #senders = new Map<string, Map<string, Sender>>();
  readonly #takenBy = new Map<string, string>();
  readonly #ending = new AbortController();
  readonly #running: Promise<unknown>[] = [];
  #target: UplinkTarget | undefined;
  #desired: Desired | undefined;
  #liveSegments = 6;
  #reportsSettled = false;
  #reportedBytes = { at: 0, forwarded: 0, rate: 0 };

  constructor(
    private readonly sources: Sources,
    private readonly settings: UplinkSettings,
    private readonly clock: SystemClock,
    private readonly events: EdgeEvents,
    /** Something failed that should not: the node ends. */
    private readonly onFailure: (error: unknown) => void,
  ) {
    // Every sender of every rendition waits for it.
    setMaxListeners(0, this.#ending.signal);
    this.#line = new Line(clock, settings.rate);
    this.#link = new Link(settings.controls, settings.token, this, clock, events);
  }

  start(): void {
    for (const source of this.sources.all) this.#open(source);
    this.sources.onAppear((source) => this.#open(source));
    this.#keep(this.#link.run(this.#ending.signal));
  }

  /** Whether control can be reached now. */
  get connected(): boolean {
    return this.#link.open && this.#target !== undefined;
  }

  /** The edge that owns a name that this edge reports, too. */
  ownerOf(source: string): string | undefined {
    return this.#takenBy.get(source);
  }

  /** Whether control wants the source to be forwarded now. */
  forwards(source: string): boolean {
    return [...(this.#senders.get(source)?.values() ?? [])].some(({ outbox }) => outbox.forwarding);
  }

  /** Something about a source changed that its operator should see. */
  reportSoon(): void {
    this.#link.reportSoon();
  }

  /** A backlog settles many times a second: control is told now and then how far it is. */
  #reportSettled(): void {
    if (this.#reportsSettled) return;
    this.#reportsSettled = true;
    this.clock.after(SETTLED_WITHIN, () => {
      this.#reportsSettled = false;
      this.#link.reportSoon();
    });
  }

  async close(): Promise<void> {
    this.#ending.abort();
    this.#client.close();
    await Promise.all(this.#running);
  }

  #open(source: Source): void {
    const senders = new Map<string, Sender>();
    this.#senders.set(source.name, senders);
    source.eachRendition((rendition) => {
      senders.set(rendition.name, this.#openSender(source, rendition, senders));
      // What control wants of it may have been said before it was there.
      if (this.#desired !== undefined) this.#keep(this.#apply(this.#desired));
      this.#link.reportSoon();
    });
  }

  #openSender(source: Source, rendition: Rendition, senders: ReadonlyMap<string, Sender>): Sender {
    const tools = {
      link: this,
      client: this.#client,
      spool: this.sources.spool,
      sources: this.sources,
      line: this.#line,
      settled: () => this.#reportSettled(),
      clock: this.clock,
      events: this.events,
    };
    const companions = () =>
      [...senders].flatMap(([name, other]) => (name === rendition.name ? [] : other.outbox));
    const outbox = new Outbox(source, rendition, tools, companions, () => recorder.wake());
    const recorder = new Recorder(source, rendition, tools, (record) => outbox.brings(record));
    this.#keep(outbox.run(this.#ending.signal));
    this.#keep(recorder.run(this.#ending.signal));
    return { outbox, recorder };
  }

  get #all(): readonly Sender[] {
    return [...this.#senders.values()].flatMap((ofSource) => [...ofSource.values()]);
  }

  #keep(running: Promise<void>): void {
    this.#running.push(running.catch((error) => this.onFailure(error)));
  }

  // What outboxes see of the link.

  /** What is sent while the link blinks would be refused, and have to be sent again. */
  get target(): UplinkTarget | undefined {
    return this.#link.isBlinking ? undefined : this.#target;
  }

  get liveSegments(): number {
    return this.#liveSegments;
  }

  stale(target: UplinkTarget): void {
    if (this.#target !== target) return;
    this.#target = undefined;
    this.#link.redial();
  }

  // What the link tells and asks.

  hello(): Hello {
    const { edge, version } = this.settings;
    return { type: 'hello', protocol: PROTOCOL, version, edge, spool: this.sources.spool.id };
  }

  report(revision: number): Report {
    const sources: SourceReport[] = [...this.sources.all].map((source) => this.#reportOf(source));
    for (const [name, trouble] of this.sources.refused) {
      if (sources.length < 64) sources.push({ ...unnumbered, name, trouble });
    }
    return fittingReport({
      type: 'report',
      revision,
      spoolBytes: this.sources.spool.bytes,
      spoolMaxBytes: this.settings.maxSpoolBytes,
      uplinkBytesPerSecond: this.#uplinkRate(),
      sources,
    });
  }

  multivariants(): ReadonlyMap<string, string | undefined> {
    return new Map([...this.sources.all].map(({ name, multivariant }) => [name, multivariant]));
  }

  async desired(desired: Desired, control: URL, first: boolean): Promise<void> {
    this.#desired = desired;
    this.#liveSegments = desired.liveSegments;
    const { edge, token } = this.settings;
    if (first || this.#target?.generation !== desired.generation) {
      this.#target = { control, edge, generation: desired.generation, token };
    }
    if (first) this.sources.askAgain();
    await this.#apply(desired);
    if (!first) return;
    for (const { outbox, recorder } of this.#all) {
      outbox.linkOpened();
      recorder.wake();
    }
  }

  forgotten(): void {
    if (this.#target === undefined) return;
    this.#target = undefined;
    for (const { outbox } of this.#all) outbox.forgotten();
  }

  async #apply(desired: Desired): Promise<void> {
    for (const name of keptOnly(desired)) await this.#openKept(name);
    const names = [...this.#senders.keys()];
    for (const order of reconcile(desired, names)) {
      const source = this.sources.find(order.source)!;
      if (order.takenBy === undefined) this.#takenBy.delete(order.source);
      else {
        this.#takenBy.set(order.source, order.takenBy);
        this.events.sourceTaken(order.source, order.takenBy);
      }
      if (order.floor !== undefined) await source.followsAnother(order.floor);
      const isNews = await this.sources.keep(order.source, order.keep);
      for (const [rendition, { outbox, recorder }] of this.#senders.get(order.source)!) {
        if (isNews) recorder.wake();
        if (desired === this.#desired) outbox.want(order.forward.includes(rendition));
      }
    }
  }

  /** What is to be kept of a source that this edge has no room for is nothing: the others go on. */
  async #openKept(name: string): Promise<void> {
    try {
      await this.sources.open(name);
    } catch (error) {
      if (!(error instanceof LiveMixError)) throw error;
      this.sources.inTrouble(name, { code: error.code, detail: error.message, hint: error.hint });
    }
  }

  #reportOf(source: Source): SourceReport {
    const { ledger, trouble } = source;
    return {
      name: source.name,
      sending: source.sending || source.standsBy,
      reservedSequence: ledger.reservedSequence,
      reservedDiscontinuity: ledger.reservedDiscontinuity,
      floor: ledger.floor,
      targetDuration: source.targetDuration,
      renditions: [...source.renditions].filter(({ window }) => window.newest !== undefined).map(nameOf),
      forwarding: [...this.#senders.get(source.name)!]
        .filter(([, { outbox }]) => outbox.forwarding)
        .map(([rendition]) => rendition),
      ingestedBytes: source.ingestedBytes,
      forwardedBytes: source.forwardedBytes,
      lastSegmentAt: source.lastSegmentAt ?? null,
      settledUntil: source.settledUntil,
      reach: source.reach,
      backlogBytes: source.backlogBytes,
      ...(trouble !== undefined && { trouble }),
    };
  }

  #uplinkRate(): number {
    const now = this.clock.monotonic();
    const forwarded = [...this.sources.all].reduce((sum, source) => sum + source.forwardedBytes, 0);
    const { at, forwarded: before } = this.#reportedBytes;
    if (now - at >= 2_000) {
      const rate = at === 0 ? 0 : Math.round(((forwarded - before) * 1000) / (now - at));
      this.#reportedBytes = { at: now, forwarded, rate };
    }
    return bytes(this.#reportedBytes.rate);
  }
}

const unnumbered: Omit<SourceReport, 'name' | 'trouble'> = {
  sending: false,
  reservedSequence: 0,
  reservedDiscontinuity: 0,
  floor: { sequence: 0, discontinuity: 0 },
  targetDuration: 0,
  renditions: [],
  forwarding: [],
  ingestedBytes: 0,
  forwardedBytes: 0,
  lastSegmentAt: null,
  settledUntil: 0,
  reach: 0,
  backlogBytes: 0,
};
