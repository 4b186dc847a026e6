import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { EdgeEvents } from '../../src/edge/events.ts';
import { Rendition } from '../../src/edge/rendition.ts';
import { Runs } from '../../src/edge/runs.ts';
import type { Source } from '../../src/edge/source.ts';
import { Keep } from '../../src/edge/spool/keep.ts';
import { Ledger } from '../../src/edge/spool/ledger.ts';
import type { Place, Spool } from '../../src/edge/spool/spool.ts';
import { Line } from '../../src/edge/uplink/line.ts';
import { Outbox } from '../../src/edge/uplink/outbox.ts';
import { type UplinkClient, UplinkFailed, type UplinkTarget } from '../../src/edge/uplink/uplink-client.ts';
import { recordForTest } from '../../src/media/record-for-test.ts';
import type { SegmentRecord } from '../../src/media/segment-record.ts';
import { bytes, epochMs, millis, seconds } from '../../src/media/units.ts';
import { FakeClock } from '../../src/runtime/fake-clock-for-test.ts';
import { WatchedRenditions } from './watched-renditions.ts';

export const NAMES = ['high', 'low', 'sound'] as const;
export type Name = (typeof NAMES)[number];

const LIVE_SEGMENTS = 4;
const events = new Proxy({} as EdgeEvents, { get: () => () => undefined });
const target = (generation: number): UplinkTarget => ({
  control: new URL('http://control.test'),
  edge: 'edge-1',
  generation,
  token: undefined,
});

/** The lives that the edge goes through: what it keeps on disk goes from one to the next. */
type Edge = {
  readonly ledger: Ledger;
  readonly renditions: Map<Name, Rendition>;
  readonly runs: Runs;
  readonly outboxes: Map<Name, Outbox>;
  readonly ending: AbortController;
  readonly running: Promise<unknown>[];
  /** It was killed: nothing of it gets through any more. */
  isDead: boolean;
};

/**
 * One source of several renditions: real outboxes over one ledger and real channels, with a line between them that
 * does what it is told, on a clock that stands still.
 */
export class RenditionWorld {
  readonly clock = new FakeClock();
  readonly control = new WatchedRenditions(this.clock, LIVE_SEGMENTS);
  /** Milliseconds that a segment of each rendition is under way. */
  readonly delays = new Map<Name, number>();
  isCut = false;
  /** So many segments are lost on their way. */
  sendsToLose = 0;
  /** So many answers are lost on their way back: control has what was sent. */
  answersToLose = 0;
  #edge!: Edge;
  #generation = 1;
  #target: UplinkTarget | undefined = target(1);
  #encoder = 0;
  #restarted = new Set<Name>(NAMES);
  /** Ledger writes and control's answers: while they come the world is not at rest. */
  #busy = 0;
  #turns = 0;
  /** What a viewer objected to. */
  #failed: unknown;

  private constructor(private readonly file: string) {}

  static async start(file: string): Promise<RenditionWorld> {
    await rm(file, { force: true });
    const world = new RenditionWorld(file);
    await world.#startEdge(new Map());
    return world;
  }

  /** The newest number that the edge has of a rendition. */
  newest(name: Name): number | undefined {
    return this.#edge.renditions.get(name)?.window.newest?.sequence;
  }

  /** The encoder makes a segment of every rendition; one that is `missing` is stated as a gap later. */
  async publish(duration: number, missing?: Name): Promise<void> {
    const encoder = this.#encoder++;
    this.clock.pass(duration * 1000);
    for (const name of NAMES) if (name !== missing) await this.#push(name, encoder, duration);
    await this.rest();
  }

  restartEncoder(): void {
    this.#encoder = 0;
    this.#restarted = new Set(NAMES);
  }

  watch(name: Name): void {
    this.control.watch(name);
    this.#tell();
  }

  leave(name: Name): void {
    this.control.leave(name);
    this.#tell();
  }

  /** The link has been gone for a minute. */
  forget(): void {
    this.#target = undefined;
    for (const outbox of this.#edge.outboxes.values()) outbox.forgotten();
  }

  /** The link opens again, to this control node or to its next life. */
  async heal(): Promise<void> {
    this.isCut = false;
    this.#target = target(++this.#generation);
    this.#tell();
    for (const outbox of this.#edge.outboxes.values()) outbox.linkOpened();
    await this.rest();
  }

  async restartControl(): Promise<void> {
    this.control.restart();
    await this.heal();
  }

  /** @param killed nothing of an orderly end is written */
  async restartEdge(killed: boolean): Promise<void> {
    const { ledger, renditions } = this.#edge;
    this.#edge.isDead = killed;
    const left = killed ? await readFile(this.file).catch(() => undefined) : undefined;
    await this.#endEdge();
    if (killed) this.control.edgeLost();
    if (!killed) await ledger.close();
    else if (left !== undefined) await writeFile(this.file, left);
    else await rm(this.file, { force: true });
    await this.#startEdge(renditions);
    await this.heal();
  }

  async end(): Promise<void> {
    await this.#endEdge();
    await rm(this.file, { force: true });
    if (this.#failed !== undefined) throw this.#failed;
  }

  /** Until nothing happens any more unless time passes. */
  async rest(): Promise<void> {
    for (let quiet = 0; quiet < 4; quiet++) {
      const before = this.#turns;
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#busy > 0 || this.#turns !== before) quiet = -1;
    }
    if (this.#failed !== undefined) throw this.#failed;
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 500) {
      this.clock.pass(500);
      await this.rest();
    }
  }

  async #push(name: Name, encoder: number, duration: number): Promise<void> {
    const { renditions, runs, ledger } = this.#edge;
    const rendition = renditions.get(name)!;
    const previous = rendition.window.newest;
    const opens = this.#restarted.delete(name) || !runs.goesOn(rendition);
    const entry = opens ? runs.enter(rendition, encoder, 1) : undefined;
    if (entry !== undefined) rendition.openRun(entry.sequence, encoder, entry.ordinal);
    const last = rendition.numberOf(encoder);
    for (const sequence of range(opens ? last : previous!.sequence + 1, last + 1)) {
      const { discontinuity, discontinuitySequence } = entry ?? runs.goOn(rendition, sequence, false);
      await ledger.claim(name, sequence, discontinuitySequence);
      const back = last - sequence;
      rendition.push(
        recordForTest(sequence, {
          duration: seconds(duration),
          at: entry?.at ?? epochMs(this.clock.now() - (back + 1) * duration * 1000),
          discontinuity,
          discontinuitySequence,
          digest: back === 0 ? digestOf(name, sequence) : '',
          encoder: { ...recordForTest(0).encoder, sequence: encoder - back, targetDuration: 1 },
          targetDuration: Math.max(1, previous?.targetDuration ?? 1, Math.round(duration)),
          ...(back > 0 && { gap: 'source_skipped', bytes: bytes(0) }),
        }),
      );
    }
  }

  #tell(): void {
    if (this.#target === undefined || this.isCut) return;
    for (const [name, outbox] of this.#edge.outboxes) outbox.want(this.control.watched.has(name));
  }

  async #startEdge(before: ReadonlyMap<Name, Rendition>): Promise<void> {
    const renditions = new Map(NAMES.map((name) => [name, this.#restored(name, before.get(name))]));
    const all = [...renditions.values()].flatMap(({ window }) => window.newest ?? []);
    const newest = all.sort((a, b) => a.sequence - b.sequence).at(-1);
    const tags = Math.max(0, ...all.map((record) => record.discontinuitySequence));
    const ledger = this.#counted(
      await Ledger.open(
        this.file,
        'boot',
        newest && { ...newest, discontinuitySequence: tags },
        epochMs(1_000_000),
      ),
    );
    const live = { [Symbol.iterator]: () => renditions.values() };
    const source = { name: 'camera-0', ledger, renditions: live, forwardedBytes: bytes(0) };
    const outboxes = new Map<Name, Outbox>();
    this.#edge = {
      ledger,
      renditions,
      runs: new Runs(ledger, live),
      outboxes,
      ending: new AbortController(),
      running: [],
      isDead: false,
    };
    setMaxListeners(0, this.#edge.ending.signal);
    this.#edge.runs.restore();
    for (const name of NAMES) {
      const companions = () => [...outboxes].flatMap(([other, outbox]) => (other === name ? [] : outbox));
      const tools = {
        link: this.#link(),
        client: this.#client(),
        spool: { stream: () => Readable.from([]) } as unknown as Spool,
        clock: this.clock,
        events,
        line: new Line(this.clock, undefined),
      };
      const outbox = new Outbox(
        source as unknown as Source,
        renditions.get(name)!,
        tools,
        companions,
        () => undefined,
      );
      outboxes.set(name, outbox);
      this.#edge.running.push(
        outbox.run(this.#edge.ending.signal).catch((error: unknown) => {
          this.#failed ??= error;
        }),
      );
    }
  }

  async #endEdge(): Promise<void> {
    this.#edge.ending.abort();
    for (let ended = false; !ended; ) {
      await Promise.race([
        Promise.all(this.#edge.running).then(() => {
          ended = true;
        }),
        this.rest().catch(() => undefined),
      ]);
      if (!ended) this.clock.pass(1_000);
    }
  }

  #restored(name: Name, before: Rendition | undefined): Rendition {
    const place = { source: 'camera-0', rendition: name };
    const rendition = new Rendition(place, seconds(60), new Keep([], epochMs(0)));
    rendition.restore(before?.window.records ?? []);
    return rendition;
  }

  #link() {
    const world = this;
    return {
      get target() {
        return world.#target;
      },
      liveSegments: LIVE_SEGMENTS,
      stale: () => undefined,
    };
  }

  #client(): UplinkClient {
    const mine = this.#edge;
    /** What crosses the line, there and back. */
    const crossing = async <T>(rendition: string, delay: number, there: () => T): Promise<T> => {
      this.#turns += 1;
      if (delay > 0) await this.clock.sleep(millis(delay));
      if (this.isCut || this.#target === undefined || mine.isDead)
        throw new UplinkFailed('unreachable', 'cut');
      if (!this.control.watched.has(rendition)) throw new UplinkFailed('not_wanted', 'nobody watches');
      const answer = there();
      if (this.answersToLose-- > 0) throw new UplinkFailed('unreachable', 'the answer was lost');
      this.answersToLose = 0;
      await undefined;
      this.#turns += 1;
      return answer;
    };
    const client: Pick<UplinkClient, 'announce' | 'send'> = {
      announce: (_, { rendition }: Place, records: readonly SegmentRecord[]) =>
        crossing(rendition, Math.min(400, this.delays.get(rendition as Name) ?? 0), () => ({
          lacking: this.control.announce(rendition, records).map(({ sequence }) => sequence),
          newest: this.control.newest(rendition) ?? null,
        })),
      send: (_, { rendition }: Place, { sequence }: SegmentRecord) =>
        crossing(rendition, this.delays.get(rendition as Name) ?? 0, () => {
          if (this.sendsToLose-- > 0) throw new UplinkFailed('unreachable', 'the segment was lost');
          this.sendsToLose = 0;
          const channel = this.control.channel(rendition);
          const announced = channel.find(sequence);
          if (announced === undefined) throw new UplinkFailed('not_wanted', 'not announced');
          channel.accept(announced, Buffer.alloc(1));
        }),
    };
    return client as UplinkClient;
  }

  /** The ledger, whose writing is seen from here. */
  #counted(ledger: Ledger): Ledger {
    return new Proxy(ledger, {
      get: (of, name) => {
        const value: unknown = Reflect.get(of, name, of);
        if (typeof value !== 'function') return value;
        return (...all: unknown[]) => {
          const answer: unknown = value.apply(of, all);
          if (!(answer instanceof Promise)) return answer;
          this.#busy += 1;
          return answer.finally(() => {
            this.#busy -= 1;
            this.#turns += 1;
          });
        };
      },
    });
  }
}

const range = (first: number, end: number) =>
  Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index);

const digestOf = (name: string, sequence: number) =>
  createHash('sha256').update(`${name} ${sequence}`).digest('base64url');
