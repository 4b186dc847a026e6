import type { WebSocket } from 'ws';
import { type EpochMs, type Millis, millis } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';
import {
  type ControlMessage,
  type Described,
  type Desired,
  type DesiredSource,
  decodeEdgeMessage,
  encodeMessage,
  type Hello,
  LINK_SILENCE_MS,
  PROTOCOL,
  type Report,
} from '../../wire/link-messages.ts';
import type { OwnerLink } from '../sources/source.ts';

/** Messages that an edge may send within a second. */
const MESSAGES_PER_SECOND = 50;

/** Sources whose renditions one edge may describe. */
const MAX_DESCRIPTIONS = 256;

/** How control ends a link: the WebSocket close code and what the edge logs. */
export const linkEnds = {
  badMessage: [4400, 'not a message of this protocol'],
  tooMany: [1008, 'too many messages'],
  replaced: [4409, 'a newer link of this edge was opened'],
  nameInUse: [4409, 'another edge has this name: set LIVEMIX_EDGE_NAME'],
  otherVersion: [4426, 'edge and control speak different protocols: update the older one'],
  ending: [1001, 'control is ending'],
} as const satisfies Record<string, readonly [number, string]>;

/** What a session tells its node. */
export interface SessionHost {
  /** The edge said who it is; false ends the session (it has been told why). */
  greeted(session: EdgeSession, hello: Hello): boolean;
  reported(session: EdgeSession, report: Report): Promise<void>;
  described(session: EdgeSession, described: Described): Promise<void>;
  closed(session: EdgeSession, reason: string): void;
}

/** One link of one edge. */
export class EdgeSession implements OwnerLink {
  #hello: Hello | undefined;
  #report: Report | undefined;
  /** The newest one, until it is worked through. */
  #unworked: Report | undefined;
  /** What it said of the renditions of its sources: once for each, over this link. */
  readonly #descriptions = new Map<string, { readonly multivariant: string | undefined }>();
  #revision = 0;
  #told = '';
  #heardAt: Millis;
  #second = { at: 0, messages: 0 };
  #reason = '';
  /** Reports are worked through one after the other. */
  #working: Promise<void> = Promise.resolve();
  readonly connectedAt: EpochMs;

  constructor(
    private readonly socket: WebSocket,
    private readonly host: SessionHost,
    private readonly clock: Clock,
    private readonly liveSegments: number,
  ) {
    this.#heardAt = clock.monotonic();
    this.connectedAt = clock.now();
    const watching = clock.every(millis(1_000), () => this.#endWhenSilent());
    socket.on('message', (data, isBinary) => this.#take(isBinary ? '' : String(data)));
    socket.on('error', (error) => {
      this.#reason ||= error.message;
    });
    socket.on('close', (code) => {
      watching.cancel();
      host.closed(this, this.#reason || `closed (${code})`);
    });
  }

  /** Set when the session was admitted: uploads of this link carry it. */
  generation = 0;

  get greeted(): boolean {
    return this.#hello !== undefined;
  }

  get edge(): string {
    return this.#hello?.edge ?? '';
  }

  get spool(): string {
    return this.#hello?.spool ?? '';
  }

  get version(): string {
    return this.#hello?.version ?? '';
  }

  get open(): boolean {
    return this.#hello !== undefined && this.socket.readyState === this.socket.OPEN;
  }

  /** What the edge last said. */
  get report(): Report | undefined {
    return this.#report;
  }

  describe(source: string, multivariant: string | undefined): void {
    if (this.#descriptions.size >= MAX_DESCRIPTIONS && !this.#descriptions.has(source)) return;
    this.#descriptions.set(source, { multivariant });
  }

  /** The playlist that names a source's renditions, if it has any; undefined where the edge has not said. */
  descriptionOf(source: string): { readonly multivariant: string | undefined } | undefined {
    return this.#descriptions.get(source);
  }

  /** Tells the edge the whole of what is wanted, where that changed. */
  tell(sources: readonly DesiredSource[]): void {
    const text = JSON.stringify(sources);
    if (!this.open || text === this.#told) return;
    this.#told = text;
    this.#revision += 1;
    const desired: Desired = {
      type: 'desired',
      revision: this.#revision,
      generation: this.generation,
      liveSegments: this.liveSegments,
      sources: [...sources],
    };
    this.#send(desired);
  }

  /** Whether an edge that reports this has applied all that it was told. */
  isInStep({ revision }: Report): boolean {
    return this.#revision > 0 && revision === this.#revision;
  }

  /** Resolves when every report that came has been worked through. */
  get settled(): Promise<void> {
    return this.#working;
  }

  end([code, reason]: readonly [number, string]): void {
    this.#reason ||= reason;
    this.socket.close(code, reason);
    // An edge that does not answer is not waited for.
    this.clock.after(millis(1_000), () => this.socket.terminate());
  }

  #take(text: string): void {
    this.#heardAt = this.clock.monotonic();
    const message = decodeEdgeMessage(text);
    if (this.#isTooMany()) this.end(linkEnds.tooMany);
    else if (message === undefined) this.end(linkEnds.badMessage);
    else if (message.type === 'hello') this.#greet(message);
    else if (this.#hello === undefined) this.end(linkEnds.badMessage);
    else if (message.type === 'ping')
      this.#send({ type: 'pong', sentAt: message.sentAt, now: this.clock.now() });
    else if (message.type === 'described') {
      // Of a source that the report before it names.
      this.#working = this.#working
        .then(() => this.#workReport())
        .then(() => this.host.described(this, message));
    } else {
      this.#report = message;
      this.#unworked = message;
      this.#working = this.#working.then(() => this.#workReport());
    }
  }

  /** Each report says all: while the catalog is slow, only the newest is worth working through. */
  #workReport(): Promise<void> | undefined {
    const report = this.#unworked;
    this.#unworked = undefined;
    return report && this.host.reported(this, report);
  }

  #greet(hello: Hello): void {
    if (this.#hello !== undefined) {
      this.end(linkEnds.badMessage);
      return;
    }
    if (hello.protocol !== PROTOCOL) {
      this.end(linkEnds.otherVersion);
      return;
    }
    this.#hello = hello;
    if (!this.host.greeted(this, hello)) this.#hello = undefined;
  }

  #isTooMany(): boolean {
    const second = Math.floor(this.#heardAt / 1000);
    if (this.#second.at !== second) this.#second = { at: second, messages: 0 };
    this.#second.messages += 1;
    return this.#second.messages > MESSAGES_PER_SECOND;
  }

  #endWhenSilent(): void {
    if (this.clock.monotonic() - this.#heardAt <= LINK_SILENCE_MS) return;
    this.#reason ||= 'the edge is silent';
    this.socket.terminate();
  }

  #send(message: ControlMessage): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(encodeMessage(message));
  }
}
