import type { Catalog, CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import { LiveMixError } from '../../media/error.ts';
import { covers, type Span, unionOf } from '../../media/span.ts';
import { type EpochMs, epochMs, type Millis } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';
import { SerialQueue } from '../../runtime/serial-queue.ts';
import { MAX_KEEP_SPANS, type SourceReport } from '../../wire/link-messages.ts';
import type { ControlEvents } from '../events.ts';
import { joinedSpans } from './joined-spans.ts';
import { RecordingBook } from './recording-book.ts';
import { newRecordingId } from './recording-id.ts';
import type { PageAsked, RecordingPage } from './recording-page.ts';
import { refusesMedia } from './refuses-media.ts';

const DAY_MS = 86_400_000;
/** Recordings that one control node keeps in its list; more are refused. */
const MAX_RECORDINGS = 100_000;
/** Edges that are there find back to a control node that has just started within this time. */
const EDGES_COME_BACK_MS = 600_000;
/** Changes that may wait for the catalog. */
const MAX_WAITING = 1_000;

/** Something about a recording changed. */
export type RecordingChange = 'started' | 'changed' | 'progressed' | 'ended' | 'deleted';

/** Every recording: what is asked for, and how far it is settled. Which segments it has, `covers()` says. */
export class Recordings {
  readonly #book = new RecordingBook();
  /** When something of a recording was last settled, as far as this process has seen it. */
  readonly #progressedAt = new Map<string, EpochMs>();
  readonly #openedAt: Millis;
  /** Changes follow each other, so that none is made from what another is about to replace. */
  readonly #queue = new SerialQueue(MAX_WAITING);
  readonly #listeners = new Set<(recording: CatalogRecording, change: RecordingChange) => void>();

  private constructor(
    private readonly catalog: Catalog,
    private readonly drainDays: number,
    private readonly clock: Clock,
    private readonly events: ControlEvents,
  ) {
    this.#openedAt = clock.monotonic();
  }

  static async open(
    catalog: Catalog,
    drainDays: number,
    clock: Clock,
    events: ControlEvents,
  ): Promise<Recordings> {
    const recordings = new Recordings(catalog, drainDays, clock, events);
    for (const recording of await catalog.recordings()) recordings.#book.put(recording);
    return recordings;
  }

  /** Newest first. */
  get all(): readonly CatalogRecording[] {
    return this.#book.all;
  }

  /** A page of them, newest first. Throws `bad_request`. */
  page(asked: PageAsked): RecordingPage {
    return this.#book.page(asked);
  }

  find(id: string): CatalogRecording | undefined {
    return this.#book.find(id);
  }

  /** As `find`; throws `recording_unknown`. */
  get(id: string): CatalogRecording {
    const recording = this.#book.find(id);
    if (recording === undefined) throw new LiveMixError('recording_unknown', 'There is no such recording.');
    return recording;
  }

  /** Calls back after each change, once it is on disk. */
  follow(listener: (recording: CatalogRecording, change: RecordingChange) => void): void {
    this.#listeners.add(listener);
  }

  /** Sources of an edge that a recording still waits for. */
  sourcesOf(edge: string): readonly string[] {
    return [...new Set(this.#book.open.filter((open) => open.edge === edge).map(({ source }) => source))];
  }

  /** Whether anything of a source is or was recorded. */
  hasSource(source: string): boolean {
    return this.#book.hasSource(source);
  }

  /** Those that have a segment of that source and time, of whatever state. */
  having({ source, record }: Pick<CatalogSegment, 'source' | 'record'>): readonly CatalogRecording[] {
    return this.#book.of(source).filter((recording) => covers(recording, record));
  }

  /** What the edge is to keep of a source. */
  wanted(source: string, edge: string): readonly Span[] {
    return unionOf(this.#book.openOf(source).filter((recording) => recording.edge === edge));
  }

  /** As `wanted`, in as few spans as an edge can be told: where there are more, it holds what lies between them, too. */
  toKeep(source: string, edge: string): readonly Span[] {
    return joinedSpans(this.wanted(source, edge), MAX_KEEP_SPANS);
  }

  /** Whether any recording, of whatever state, has this segment. */
  isCovered(segment: Pick<CatalogSegment, 'source' | 'record'>): boolean {
    return this.having(segment).length > 0;
  }

  /** Begins a recording. It is on disk when this resolves; the edge is told by whoever follows. */
  start(
    source: string,
    edge: string,
    span: Span,
    title: string,
    multivariant?: string,
  ): Promise<CatalogRecording> {
    return this.#queue.run(() => this.#start(source, edge, span, title, multivariant));
  }

  async #start(
    source: string,
    edge: string,
    span: Span,
    title: string,
    multivariant: string | undefined,
  ): Promise<CatalogRecording> {
    if (this.#book.size >= MAX_RECORDINGS) {
      throw new LiveMixError('too_many_recordings', `There are ${MAX_RECORDINGS} recordings.`, {
        hint: 'Delete some.',
      });
    }
    const asked = unionOf([...this.#book.openOf(source).filter((open) => open.edge === edge), span]);
    if (asked.length > MAX_KEEP_SPANS) {
      throw new LiveMixError(
        'too_many_recordings',
        `${MAX_KEEP_SPANS} spans of this source are being recorded; those that overlap count as one.`,
        { retryAfter: 60 },
      );
    }
    const recording: CatalogRecording = {
      id: newRecordingId(),
      source,
      edge,
      title,
      from: span.from,
      until: span.until,
      createdAt: this.clock.now(),
      keep: false,
      ended: undefined,
      endedAt: undefined,
      settledUntil: span.from,
      lostBefore: undefined,
      spool: '',
      lostReason: 'beyond_spool',
      multivariant,
    };
    await this.#save(recording, 'started');
    this.events.recordingStarted(recording.id, source);
    return recording;
  }

  /** It ends now; one that has ended already, or ends earlier, stays as it is. */
  stop(id: string): Promise<CatalogRecording> {
    return this.#queue.run(() => this.#stop(id));
  }

  async #stop(id: string): Promise<CatalogRecording> {
    const recording = this.get(id);
    const now = this.clock.now();
    if (recording.ended !== undefined || (recording.until !== undefined && recording.until <= now)) {
      return recording;
    }
    // One that lay ahead has nothing.
    const until = epochMs(Math.max(now, recording.from));
    const stopped = { ...recording, until };
    this.events.recordingStopped(id, recording.source);
    await this.#save(stopped, 'changed');
    if (recording.settledUntil >= until) await this.#end(stopped, 'settled');
    return this.get(id);
  }

  /** The source is no more: what is recorded of it ends now, and is delivered. */
  async stopAllOf(source: string): Promise<void> {
    for (const { id } of this.#book.openOf(source)) await this.stop(id);
  }

  change(
    id: string,
    change: { readonly title?: string; readonly keep?: boolean },
  ): Promise<CatalogRecording> {
    return this.#queue.run(async () => {
      const changed = { ...this.get(id), ...change };
      await this.#save(changed, 'changed');
      return changed;
    });
  }

  /** Forgets a recording. What nobody else covers is let go by `Space`. */
  delete(id: string): Promise<void> {
    return this.#queue.run(async () => {
      const recording = this.get(id);
      await this.catalog.deleteRecording(id);
      this.#book.remove(recording);
      this.#progressedAt.delete(id);
      this.events.recordingDeleted(id, recording.source);
      this.#tell(recording, 'deleted');
    });
  }

  /**
   * What an edge that knows all that is wanted of it says of a source.
   * @param spool the one that speaks: another one than before has lost what was not delivered
   * @param isInStep whether the edge knew all of it: asked when it is the report's turn, since something may begin until then
   */
  reported(edge: string, spool: string, report: SourceReport, isInStep: () => boolean): Promise<void> {
    if (this.#book.openOf(report.name).length === 0) return Promise.resolve();
    return this.#queue.run(async () => {
      if (isInStep()) await this.#reported(edge, spool, report);
    });
  }

  async #reported(edge: string, spool: string, report: SourceReport): Promise<void> {
    const { name, settledUntil, reach } = report;
    for (const recording of this.#book.openOf(name)) {
      if (recording.edge !== edge) continue;
      const settled = Math.max(
        recording.settledUntil,
        Math.min(settledUntil, recording.until ?? settledUntil),
      );
      const isRefused = refusesMedia(report) && settled > recording.createdAt;
      const next = {
        ...recording,
        ...this.#reached(recording, spool, reach),
        settledUntil: epochMs(settled),
        ...(isRefused && { refusedUntil: epochMs(settled) }),
      };
      const isNews =
        next.settledUntil !== recording.settledUntil ||
        next.spool !== recording.spool ||
        next.lostBefore !== recording.lostBefore;
      if (isNews) {
        this.#progressedAt.set(recording.id, this.clock.now());
        await this.#save(next, 'progressed');
      }
      if (next.until !== undefined && next.settledUntil >= next.until) await this.#end(next, 'settled');
    }
  }

  /** Another playlist names the renditions of a source now. */
  described(source: string, multivariant: string): Promise<void> {
    return this.#queue.run(async () => {
      for (const recording of this.#book.openOf(source))
        await this.#save({ ...recording, multivariant }, 'changed');
    });
  }

  /** Ends those whose edge did not come back in time. One that still delivers, however slowly, is waited for. */
  giveUp(): Promise<void> {
    return this.#queue.run(async () => {
      if (this.clock.monotonic() - this.#openedAt < EDGES_COME_BACK_MS) return;
      const longAgo = this.clock.now() - this.drainDays * DAY_MS;
      for (const recording of this.#book.open) {
        const { id, until } = recording;
        if (until === undefined || Math.max(until, this.#progressedAt.get(id) ?? 0) > longAgo) continue;
        await this.#end(recording, 'edge_lost');
      }
    });
  }

  #reached(recording: CatalogRecording, spool: string, reach: number): Partial<CatalogRecording> {
    if (recording.spool === spool) return {};
    const within = (at: number) => epochMs(Math.min(Math.max(at, recording.from), recording.until ?? at));
    if (recording.spool === '')
      return { spool, lostBefore: within(Math.max(reach, recording.lostBefore ?? 0)) };
    this.events.spoolLost(recording.id, recording.source);
    return { spool, lostBefore: within(this.clock.now()), lostReason: 'spool_lost' };
  }

  async #end(recording: CatalogRecording, ended: 'settled' | 'edge_lost'): Promise<void> {
    await this.#save({ ...recording, ended, endedAt: this.clock.now() }, 'ended');
    this.events.recordingEnded(recording.id, recording.source, ended);
  }

  async #save(recording: CatalogRecording, change: RecordingChange): Promise<void> {
    await this.catalog.saveRecording(recording);
    this.#book.put(recording);
    if (recording.ended !== undefined) this.#progressedAt.delete(recording.id);
    this.#tell(recording, change);
  }

  #tell(recording: CatalogRecording, change: RecordingChange): void {
    for (const listener of this.#listeners) listener(recording, change);
  }
}
