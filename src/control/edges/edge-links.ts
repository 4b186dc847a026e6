import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { LiveMixError } from '../../media/error.ts';
import type { Clock } from '../../runtime/clock.ts';
import {
  type Described,
  type DesiredSource,
  type Hello,
  type KeepSpan,
  MAX_MESSAGE_BYTES,
  type Report,
} from '../../wire/link-messages.ts';
import type { ControlEvents } from '../events.ts';
import type { Demand } from '../live/demand.ts';
import type { Recordings } from '../recordings/recordings.ts';
import type { Source } from '../sources/source.ts';
import type { Sources } from '../sources/sources.ts';
import { EdgeSession, linkEnds, type SessionHost } from './edge-session.ts';

/** Edges that one control node remembers the newest link of. */
const MAX_EDGES = 10_000;

/** The links that edges have dialled, at most one of each edge. */
export class EdgeLinks implements SessionHost {
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    clientTracking: false,
  });
  readonly #open = new Map<string, EdgeSession>();
  readonly #greeting = new Set<EdgeSession>();
  /** The generation of the newest link of each edge; it outlives the link. */
  readonly #generations = new Map<string, number>();
  #newestGeneration = 0;
  #demand: Demand | undefined;
  #recordings: Recordings | undefined;

  constructor(
    private readonly sources: Sources,
    private readonly liveSegments: number,
    private readonly clock: Clock,
    private readonly events: ControlEvents,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** Whose wishes edges are told. Demand tells edges and asks what they report, so each knows the other. */
  follow(demand: Demand, recordings: Recordings): void {
    this.#demand = demand;
    this.#recordings = recordings;
  }

  get all(): Iterable<EdgeSession> {
    return this.#open.values();
  }

  /** The generation of the edge's newest link. */
  generationOf(edge: string): number | undefined {
    return this.#generations.get(edge);
  }

  /** Takes an edge's dialling in; its token has been checked. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      this.#greeting.add(new EdgeSession(webSocket, this, this.clock, this.liveSegments));
    });
  }

  /** What an edge is to do has changed for this source. */
  changed(source: Source): void {
    this.changedFor(source.entry.edge ?? '');
  }

  /** What an edge is to do has changed. */
  changedFor(edge: string): void {
    const session = this.#open.get(edge);
    if (session !== undefined) this.#tell(session);
  }

  /** Every edge is told anew where something changed. */
  tellAll(): void {
    for (const session of this.#open.values()) this.#tell(session);
  }

  /** Ends every link; resolves when what was reported has been worked through. */
  async close(): Promise<void> {
    const sessions = [...this.#open.values(), ...this.#greeting];
    this.#open.clear();
    for (const session of sessions) session.end(linkEnds.ending);
    await Promise.all(sessions.map((session) => session.settled));
  }

  // What sessions tell.

  greeted(session: EdgeSession, hello: Hello): boolean {
    this.#greeting.delete(session);
    const before = this.#open.get(hello.edge);
    if (before !== undefined) {
      if (before.spool !== hello.spool) {
        this.events.linkRefused(hello.edge, 'name_in_use');
        session.end(linkEnds.nameInUse);
        return false;
      }
      before.end(linkEnds.replaced);
      this.#forget(before);
    }
    if (this.#generations.size >= MAX_EDGES && !this.#generations.has(hello.edge)) {
      session.end(linkEnds.tooMany);
      return false;
    }
    session.generation = Math.max(this.clock.now(), this.#newestGeneration + 1);
    this.#newestGeneration = session.generation;
    this.#generations.set(hello.edge, session.generation);
    this.#open.set(hello.edge, session);
    this.events.linkOpened(hello.edge, hello.version, session.generation);
    return true;
  }

  async reported(session: EdgeSession, report: Report): Promise<void> {
    try {
      if (this.#open.get(session.edge) !== session) return;
      await this.sources.reported(session, report.sources);
      for (const { name } of report.sources) {
        await this.#describe(session, name);
        const source = this.sources.find(name);
        if (source !== undefined) this.#demand?.review(source);
      }
      // What it says counts for recordings once it knows all that is wanted of it.
      if (session.isInStep(report)) await this.#recorded(session, report);
      this.#tell(session);
    } catch (error) {
      this.onFailure(error);
    }
  }

  async described(session: EdgeSession, { sources }: Described): Promise<void> {
    for (const { name, multivariant } of sources) {
      session.describe(name, multivariant ?? undefined);
      await this.#describe(session, name);
    }
  }

  /** What an edge says of a source that another one owns counts once the name is its own. */
  async #describe(session: EdgeSession, name: string): Promise<void> {
    const said = session.descriptionOf(name);
    if (said === undefined || this.#open.get(session.edge) !== session) return;
    try {
      const isNews = await this.sources.described(session, name, said.multivariant);
      if (!isNews || said.multivariant === undefined) return;
      this.#demand?.described(name);
      await this.#recordings?.described(name, said.multivariant);
    } catch (error) {
      if (error instanceof LiveMixError) this.events.catalogFailed(error);
      else this.onFailure(error);
    }
  }

  closed(session: EdgeSession, reason: string): void {
    this.#greeting.delete(session);
    if (this.#open.get(session.edge) !== session) return;
    this.#forget(session);
    this.events.linkClosed(session.edge, reason);
  }

  #forget(session: EdgeSession): void {
    this.#open.delete(session.edge);
    this.sources.linkClosed(session);
  }

  async #recorded(session: EdgeSession, report: Report): Promise<void> {
    const isInStep = () => this.#open.get(session.edge) === session && session.isInStep(report);
    for (const source of report.sources) {
      try {
        await this.#recordings?.reported(session.edge, session.spool, source, isInStep);
      } catch (error) {
        // The catalog is held by somebody else: the next report says it again.
        if (!(error instanceof LiveMixError)) throw error;
        this.events.catalogFailed(error);
      }
    }
  }

  #tell(session: EdgeSession): void {
    const keepOf = (source: string) => this.#keepOf(source, session.edge);
    const owned = this.sources.ownedBy(session.edge).map((source) => desiredOf(source, keepOf(source.name)));
    const taken = this.sources.rivalOf(session.edge).map(({ name, entry }): DesiredSource => {
      const owner = entry.edge !== undefined && { takenBy: entry.edge };
      return { name, forward: [], keep: keepOf(name), ...owner };
    });
    const named = new Set([...owned, ...taken].map(({ name }) => name));
    // What an edge recorded it delivers, whoever owns the name now.
    const delivered = (this.#recordings?.sourcesOf(session.edge) ?? [])
      .filter((name) => !named.has(name))
      .map((name): DesiredSource => ({ name, forward: [], keep: keepOf(name) }));
    session.tell([...owned, ...taken, ...delivered]);
  }

  #keepOf(source: string, edge: string): KeepSpan[] {
    const kept = this.#recordings?.toKeep(source, edge) ?? [];
    return kept.map(({ from, until }) => ({ from, until: until ?? null }));
  }
}

/** A spool that is not known is told the numbers in use before anything of it is forwarded. */
function desiredOf(source: Source, keep: KeepSpan[]): DesiredSource {
  const { name, entry, wanted } = source;
  if (source.spoolKnown) return { name, forward: [...wanted], keep };
  const floor = { sequence: entry.reservedSequence, discontinuity: entry.reservedDiscontinuity };
  return { name, forward: [], keep, floor };
}
