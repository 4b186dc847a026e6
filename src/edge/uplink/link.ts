import { WebSocket } from 'ws';
import { type Millis, millis } from '../../media/units.ts';
import type { SystemClock } from '../../runtime/clock.ts';
import { redialPause } from '../../runtime/retry.ts';
import {
  type Described,
  type Desired,
  decodeControlMessage,
  type EdgeMessage,
  encodeMessage,
  type Hello,
  LINK_SILENCE_MS,
  MAX_MESSAGE_BYTES,
  PING_EVERY_MS,
  type Report,
  sizeInMessage,
} from '../../wire/link-messages.ts';
import { LINK_PATH } from '../../wire/uplink.ts';
import type { EdgeEvents } from '../events.ts';
import { ClockOffset } from './clock-offset.ts';

/** How long the edge goes on with what it was told when the link has dropped. */
const GOES_ON_FOR_MS = 60_000;
const REPORT_EVERY_MS = 5_000;
/** Changes within this time go into one report. */
const REPORT_SOON_MS = 20;
const HANDSHAKE_MS = 5_000;
const BLINK_MS = 2_000;
/** Control answers, but does not know this link: it has just been started. */
const STALE_PAUSE_MS = 50;
/** A name, and what stands around it. */
const MAX_NAME_CHARACTERS = 128;

/** What the link tells and asks of the edge. */
export interface LinkClient {
  hello(): Hello;
  report(revision: number): Report;
  /** The playlist that names a source's renditions, of every source; undefined where there is none. */
  multivariants(): ReadonlyMap<string, string | undefined>;
  /** Control's desired state, the whole of it. `first`: of this link. */
  desired(desired: Desired, control: URL, first: boolean): Promise<void>;
  /** The link has been gone for so long that nothing is forwarded any more. */
  forgotten(): void;
}

/** The edge's link to control: it dials out, says what it has, and is told what is wanted. Redials for ever. */
export class Link {
  #socket: WebSocket | undefined;
  #revision = 0;
  #reporting = false;
  #stale = false;
  #lostAt: Millis = millis(0);
  /** Whether control has said, over this socket, what it wants. */
  #told = false;
  /** What control was told of the renditions of each source, over this socket. */
  #described = new Map<string, string | null>();
  /** Ends the pause before the next dialling. */
  #hurry = new AbortController();

  constructor(
    private readonly controls: readonly URL[],
    private readonly token: string | undefined,
    private readonly client: LinkClient,
    private readonly clock: SystemClock,
    private readonly events: EdgeEvents,
  ) {}

  get open(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Whether it dropped a moment ago and is likely to be open again at once, under another generation. */
  get isBlinking(): boolean {
    return !(this.open && this.#told) && this.clock.monotonic() - this.#lostAt < BLINK_MS;
  }

  /** Something changed that control should know of. */
  reportSoon(): void {
    if (this.#reporting) return;
    this.#reporting = true;
    this.clock.after(millis(REPORT_SOON_MS), () => {
      this.#reporting = false;
      this.#report();
    });
  }

  /** Control says that a newer link of this edge is open: dial again. */
  redial(): void {
    // A link that has just opened is about to say its generation.
    if (this.open && !this.#told) return;
    this.#stale = true;
    this.#socket?.terminate();
    this.#hurry.abort();
  }

  /** Dials, and dials again, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    let attempt = 0;
    this.#lostAt = this.clock.monotonic();
    for (let turn = 0; !signal.aborted; turn++) {
      const control = this.controls[turn % this.controls.length]!;
      const reason = await this.#connect(control, signal);
      if (signal.aborted) return;
      if (reason.wasOpen) {
        attempt = 0;
        this.#lostAt = this.clock.monotonic();
        this.events.linkClosed(control.href, reason.text);
      }
      const outage = millis(this.clock.monotonic() - this.#lostAt);
      const pause = this.#stale ? millis(STALE_PAUSE_MS) : redialPause(attempt, outage, Math.random);
      this.#stale = false;
      this.#hurry = new AbortController();
      if (!reason.wasOpen) this.events.linkFailed(control.href, reason.text, pause);
      attempt += 1;
      await this.#pause(pause, outage, AbortSignal.any([signal, this.#hurry.signal]));
    }
  }

  async #pause(pause: Millis, outage: Millis, signal: AbortSignal): Promise<void> {
    const left = GOES_ON_FOR_MS - outage;
    if (left > 0 && pause > left) {
      await this.clock.sleep(millis(left), signal);
      if (signal.aborted) return;
      this.client.forgotten();
      return this.clock.sleep(millis(pause - left), signal);
    }
    if (left <= 0) this.client.forgotten();
    return this.clock.sleep(pause, signal);
  }

  /** Resolves when the link has ended, with the reason. */
  #connect(control: URL, signal: AbortSignal): Promise<{ wasOpen: boolean; text: string }> {
    const url = new URL(LINK_PATH, control);
    url.protocol = control.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      handshakeTimeout: HANDSHAKE_MS,
      followRedirects: false,
      ...(this.token !== undefined && { headers: { Authorization: `Bearer ${this.token}` } }),
    });
    this.#socket = socket;
    this.#told = false;
    this.#described = new Map();
    this.#revision = 0;
    const offset = new ClockOffset();
    let wasOpen = false;
    let text = 'closed';
    let heardAt = this.clock.monotonic();
    let applying: Promise<void> = Promise.resolve();

    const ping = () => {
      if (this.clock.monotonic() - heardAt > LINK_SILENCE_MS) {
        text = 'control is silent';
        socket.terminate();
      } else if (this.open) this.#send({ type: 'ping', sentAt: this.#machineNow() });
    };
    const timers = [
      this.clock.every(millis(PING_EVERY_MS), ping),
      this.clock.every(millis(REPORT_EVERY_MS), () => this.#report()),
    ];
    const abort = () => socket.close(1001);
    signal.addEventListener('abort', abort, { once: true });

    return new Promise((resolve) => {
      socket.on('open', () => {
        heardAt = this.clock.monotonic();
        this.#send(this.client.hello());
        this.#report();
        ping();
      });
      socket.on('message', (data, isBinary) => {
        heardAt = this.clock.monotonic();
        const message = isBinary ? undefined : decodeControlMessage(String(data));
        if (message === undefined) return;
        if (message.type === 'pong') {
          this.clock.follow(offset.sample(message.sentAt, message.now, this.#machineNow()));
          return;
        }
        const first = !wasOpen;
        wasOpen = true;
        if (first) this.events.linkOpened(control.href, message.generation, this.clock.offset);
        // One after the other: a later state must not be overtaken by an earlier one.
        applying = applying.then(async () => {
          if (this.#socket !== socket) return;
          this.#told = true;
          await this.client.desired(message, control, first);
          this.#revision = message.revision;
          this.reportSoon();
        });
        applying.catch((error: Error) => {
          text = error.message;
          socket.terminate();
        });
      });
      socket.on('unexpected-response', (request, response) => {
        text =
          response.statusCode === 401
            ? 'control refuses LIVEMIX_EDGE_TOKEN (401)'
            : `control answered ${response.statusCode}`;
        request.destroy();
      });
      socket.on('error', (error) => {
        if (text === 'closed') text = error.message;
      });
      socket.on('close', (code, reason) => {
        for (const timer of timers) timer.cancel();
        signal.removeEventListener('abort', abort);
        if (text === 'closed') text = reason.length > 0 ? `${code} ${reason}` : `closed (${code})`;
        resolve({ wasOpen, text });
      });
    });
  }

  #machineNow(): number {
    return this.clock.now() - this.clock.offset;
  }

  #report(): void {
    if (!this.open) return;
    this.#send(this.client.report(this.#revision));
    this.#describe();
  }

  /** Behind a report, which names the sources. What this link was told is not told again. */
  #describe(): void {
    let sources: Described['sources'] = [];
    let size = 0;
    const send = () => {
      if (sources.length > 0) this.#send({ type: 'described', sources });
      [sources, size] = [[], 0];
    };
    for (const [name, text] of this.client.multivariants()) {
      const multivariant = text ?? null;
      if (this.#described.get(name) === multivariant) continue;
      this.#described.set(name, multivariant);
      const own = sizeInMessage(text ?? '') + MAX_NAME_CHARACTERS;
      if (size + own > MAX_MESSAGE_BYTES / 2) send();
      sources.push({ name, multivariant });
      size += own;
    }
    send();
  }

  #send(message: EdgeMessage): void {
    this.#socket?.send(encodeMessage(message));
  }
}
