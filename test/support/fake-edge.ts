import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import type { SegmentRecord } from '../../src/media/segment-record.ts';
import { bytes, epochMs, seconds } from '../../src/media/units.ts';
import { keepPath } from '../../src/wire/keep.ts';
import { contentDigest, LINK_PATH, recordsPath, segmentPath } from '../../src/wire/uplink.ts';

/** The token of control and of every edge in such tests. */
export const EDGE_TOKEN = 'the-edge-token-of-this-test-0123456789';
/** What a fake edge says it has. */
export const FAKE_SOURCE = 'camera-9';
export const bearer = { Authorization: `Bearer ${EDGE_TOKEN}` };

export const digestOf = (content: Buffer) => createHash('sha256').update(content).digest('base64url');
export const contentOf = (sequence: number) => Buffer.alloc(1880, `segment ${sequence} `);
/** `since`: when the segment with the number 0 begins; each lasts a second. */
export const recordOf = (sequence: number, since = 1_700_000_000_000): SegmentRecord => ({
  sequence,
  at: epochMs(since + sequence * 1000),
  duration: seconds(1),
  digest: digestOf(contentOf(sequence)),
  bytes: bytes(1880),
  extension: 'ts',
  discontinuity: false,
  discontinuitySequence: 1,
  targetDuration: 1,
  listFrom: 0,
  encoder: {
    sequence,
    name: `${sequence}.ts`,
    bytes: bytes(1880),
    modifiedAt: epochMs(0),
    targetDuration: 1,
  },
});

export const hello = (edge: string, spool = `spool-of-${edge}`) =>
  JSON.stringify({ type: 'hello', protocol: 4, version: '0', edge, spool });
export const ping = JSON.stringify({ type: 'ping', sentAt: 1 });

/** A WebSocket to control that has said nothing yet. */
export async function dial(controlUrl: string, headers: Record<string, string> = bearer): Promise<WebSocket> {
  const socket = new WebSocket(`${controlUrl.replace('http', 'ws')}${LINK_PATH}`, { headers });
  socket.on('error', () => undefined);
  await once(socket, 'open');
  return socket;
}

/** Headers that a test adds, changes, or leaves out (undefined). */
export type HeaderChange = Readonly<Record<string, string | undefined>>;
export type Sent = {
  readonly method?: string;
  readonly headers?: HeaderChange;
  readonly body?: Buffer | undefined;
};
export type Answer = { readonly status: number | undefined; readonly body: Record<string, unknown> };

/** Sends exactly these headers. Without a body it waits for the answer to the head. */
export async function send(url: string, { method = 'PUT', headers = {}, body }: Sent): Promise<Answer> {
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  const sending = request(url, { method, headers: given as Record<string, string> });
  sending.on('error', () => undefined);
  if (body === undefined) sending.flushHeaders();
  else sending.end(body);
  const [response] = (await once(sending, 'response', { signal: AbortSignal.timeout(8_000) })) as [
    IncomingMessage,
  ];
  const said = await text(response);
  sending.destroy();
  return { status: response.statusCode, body: JSON.parse(said) as Record<string, unknown> };
}

/** An edge that says and sends what a test tells it. */
export class FakeEdge {
  generation = 0;
  forwards = false;
  closed = false;
  /** What it is to keep of its source. */
  keep: readonly { readonly from: number; readonly until: number | null }[] = [];
  #revision = 0;
  #pinging: NodeJS.Timeout | undefined;

  private constructor(
    readonly controlUrl: string,
    readonly name: string,
    readonly source: string,
    readonly socket: WebSocket,
  ) {}

  static async start(controlUrl: string, name = 'edge-9', source = FAKE_SOURCE): Promise<FakeEdge> {
    const edge = new FakeEdge(controlUrl, name, source, await dial(controlUrl));
    edge.socket.on('close', () => {
      edge.closed = true;
    });
    edge.socket.on('message', (data) => edge.#heard(String(data)));
    edge.socket.send(hello(name));
    edge.report();
    edge.#pinging = setInterval(() => edge.socket.send(ping), 1_000);
    return edge;
  }

  /** Reports its source, with these fields changed. */
  report(change: Record<string, unknown> = {}): void {
    const source = {
      name: this.source,
      sending: true,
      reservedSequence: 1000,
      reservedDiscontinuity: 32,
      floor: { sequence: 0, discontinuity: 0 },
      targetDuration: 1,
      renditions: ['main'],
      forwarding: ['main'],
      ingestedBytes: 0,
      forwardedBytes: 0,
      lastSegmentAt: Date.now(),
      settledUntil: 0,
      reach: 0,
      backlogBytes: 0,
      ...change,
    };
    const said = { type: 'report', spoolBytes: 0, spoolMaxBytes: 1, uplinkBytesPerSecond: 0 };
    this.socket.send(JSON.stringify({ ...said, revision: this.#revision, sources: [source] }));
  }

  get headers(): Record<string, string> {
    return { ...bearer, 'LiveMix-Edge': this.name, 'LiveMix-Link': String(this.generation) };
  }

  /** Puts a segment for live. */
  put(sequence: number, change: HeaderChange = {}, body?: Buffer, source = this.source): Promise<Answer> {
    return this.putTo(segmentPath(source, 'main', sequence), sequence, change, body);
  }

  /** Puts the bytes of a segment anywhere as an edge does; `change` hurts its headers. */
  putTo(path: string, sequence: number, change: HeaderChange = {}, body: Buffer = contentOf(sequence)) {
    return send(`${this.controlUrl}${path}`, { headers: this.#mediaHeaders(sequence, change), body });
  }

  /** Sends the head of a put and waits for the answer to that. */
  putHead(path: string, sequence: number, change: HeaderChange = {}): Promise<Answer> {
    return send(`${this.controlUrl}${path}`, { headers: this.#mediaHeaders(sequence, change) });
  }

  /** Announces records for live. */
  announce(records: readonly unknown[], change: HeaderChange = {}, source = this.source): Promise<Answer> {
    return this.#post(recordsPath(source, 'main'), { records }, change);
  }

  /** Announces records for recordings. */
  announceKept(body: Record<string, unknown>, change: HeaderChange = {}, source = this.source) {
    return this.#post(keepPath(source, 'main'), body, change);
  }

  close(): void {
    clearInterval(this.#pinging);
    this.socket.terminate();
  }

  #heard(said: string): void {
    const message = JSON.parse(said) as Record<string, unknown>;
    if (message['type'] !== 'desired') return;
    this.generation = message['generation'] as number;
    this.#revision = message['revision'] as number;
    const sources = message['sources'] as { name: string; forward: string[]; keep: FakeEdge['keep'] }[];
    this.forwards = sources.some((one) => one.forward.length > 0);
    this.keep = sources.find(({ name }) => name === this.source)?.keep ?? [];
  }

  #mediaHeaders(sequence: number, change: HeaderChange): HeaderChange {
    return {
      ...this.headers,
      'Content-Type': 'video/mp2t',
      'Content-Length': '1880',
      'Content-Digest': contentDigest(digestOf(contentOf(sequence))),
      ...change,
    };
  }

  #post(path: string, said: Record<string, unknown>, change: HeaderChange): Promise<Answer> {
    const body = Buffer.from(JSON.stringify(said));
    const type = { 'Content-Type': 'application/json', 'Content-Length': String(body.length) };
    return send(`${this.controlUrl}${path}`, {
      method: 'POST',
      headers: { ...this.headers, ...type, ...change },
      body,
    });
  }
}
