import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { MAIN } from '../../media/name.ts';
import type { Clock } from '../../runtime/clock.ts';
import { type DesiredSource, type Hello, MAX_MESSAGE_BYTES, type Report } from '../../wire/link-messages.ts';
import type { ControlEvents } from '../events.ts';
import type { Demand } from '../live/demand.ts';
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

  constructor(
    private readonly sources: Sources,
    private readonly liveSegments: number,
    private readonly clock: Clock,
    private readonly events: ControlEvents,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** Whose wishes edges are told. Demand tells edges and asks what they report, so each knows the other. */
  follow(demand: Demand): void {
    this.#demand = demand;
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
    const session = this.#open.get(source.entry.edge ?? '');
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
        const source = this.sources.find(name);
        if (source !== undefined) this.#demand?.review(source);
      }
      this.#tell(session);
    } catch (error) {
      this.onFailure(error);
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

  #tell(session: EdgeSession): void {
    const owned = this.sources.ownedBy(session.edge).map(desiredOf);
    const taken = this.sources.rivalOf(session.edge).map(({ name, entry }): DesiredSource => {
      return { name, forward: [], ...(entry.edge !== undefined && { takenBy: entry.edge }) };
    });
    session.tell([...owned, ...taken]);
  }
}

/** A spool that is not known is told the numbers in use before anything of it is forwarded. */
function desiredOf(source: Source): DesiredSource {
  const { name, entry, wanted } = source;
  if (source.spoolKnown) return { name, forward: wanted ? [MAIN] : [] };
  const floor = { sequence: entry.reservedSequence, discontinuity: entry.reservedDiscontinuity };
  return { name, forward: [], floor };
}
