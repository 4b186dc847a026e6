import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { mediaType, type SegmentRecord } from '../../media/segment-record.ts';
import { decodeKeepAnswer, type KeepAnswer, type KeepRequest, keepPath } from '../../wire/keep.ts';
import {
  contentDigest,
  decodeRecordsAnswer,
  EDGE_HEADER,
  LINK_HEADER,
  type RecordsAnswer,
  recordsPath,
  segmentPath,
} from '../../wire/uplink.ts';
import type { Place } from '../spool/spool.ts';

/** Control would not take what was sent, or could not be reached. What was sent stays in the spool. */
export class UplinkFailed extends Error {
  constructor(
    /** `stale_link`, `not_wanted`, `live_full` …; `unreachable` when there was no answer. */
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

/** Where and as whom to send: told by the link when it opens. */
export type UplinkTarget = {
  readonly control: URL;
  readonly edge: string;
  readonly generation: number;
  readonly token: string | undefined;
};

/** No byte moved for this long: the line is dead, whatever TCP thinks. */
const STALLED_AFTER_MS = 8_000;
const MAX_ANSWER_BYTES = 256 * 1024;

/** Sends records and segments over kept-alive connections. */
export class UplinkClient {
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: 16 });
  readonly #https = new HttpsAgent({ keepAlive: true, maxSockets: 16 });

  /** Announces records. The answer names those whose bytes control lacks. */
  async announce(
    target: UplinkTarget,
    place: Place,
    records: readonly SegmentRecord[],
  ): Promise<RecordsAnswer> {
    const body = Buffer.from(JSON.stringify({ records }));
    const request = this.#open(target, 'POST', recordsPath(place.source, place.rendition), {
      'Content-Type': 'application/json',
      'Content-Length': body.length,
    });
    request.end(body);
    const answer = decodeRecordsAnswer(await answerOf(request));
    if (answer === undefined) throw new UplinkFailed('bad_answer', 'control answered with something unknown');
    return answer;
  }

  /** Announces what recordings want. The answer says what is settled and where the next bytes go. */
  async keep(target: UplinkTarget, place: Place, wanted: KeepRequest): Promise<KeepAnswer> {
    const body = Buffer.from(JSON.stringify(wanted));
    const request = this.#open(target, 'POST', keepPath(place.source, place.rendition), {
      'Content-Type': 'application/json',
      'Content-Length': body.length,
    });
    request.end(body);
    const answer = decodeKeepAnswer(await answerOf(request));
    if (answer === undefined) throw new UplinkFailed('bad_answer', 'control answered with something unknown');
    return answer;
  }

  /** Sends the bytes of an announced record for live. */
  send(target: UplinkTarget, place: Place, record: SegmentRecord, bytes: Readable): Promise<void> {
    const path = segmentPath(place.source, place.rendition, record.sequence);
    return this.#put(this.#open(target, 'PUT', path, segmentHeaders(record)), bytes);
  }

  /** Sends the bytes of a record by ticket: to control, or to the store where the ticket's URL is a whole one. */
  store(target: UplinkTarget, ticket: Ticket, record: SegmentRecord, bytes: Readable): Promise<void> {
    const { url, headers } = ticket;
    if (url.startsWith('/')) {
      return this.#put(this.#open(target, 'PUT', url, { ...segmentHeaders(record), ...headers }), bytes);
    }
    const elsewhere = new URL(url);
    if (!/^https?:$/.test(elsewhere.protocol)) {
      throw new UplinkFailed('bad_answer', 'control gave a ticket for something other than HTTP');
    }
    return this.#put(this.#request(elsewhere, 'PUT', { 'Content-Length': record.bytes, ...headers }), bytes);
  }

  async #put(request: ClientRequest, bytes: Readable): Promise<void> {
    let unreadable: Error | undefined;
    bytes.on('error', (error) => {
      unreadable = error;
    });
    pipeline(bytes, request, (error) => {
      if (error) request.destroy(error);
    });
    try {
      await answerOf(request);
    } catch (error) {
      throw unreadable === undefined ? error : new UplinkFailed('spool_unreadable', unreadable.message);
    }
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  #open(
    { control, edge, generation, token }: UplinkTarget,
    method: string,
    path: string,
    headers: Record<string, string | number>,
  ): ClientRequest {
    return this.#request(new URL(path, control), method, {
      ...headers,
      [EDGE_HEADER]: edge,
      [LINK_HEADER]: generation,
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    });
  }

  #request(url: URL, method: string, headers: Record<string, string | number>): ClientRequest {
    const secure = url.protocol === 'https:';
    return (secure ? httpsRequest : httpRequest)(url, {
      method,
      agent: secure ? this.#https : this.#http,
      timeout: STALLED_AFTER_MS,
      headers,
    });
  }
}

/** Where a segment's bytes may be put, once. */
export type Ticket = { readonly url: string; readonly headers: Readonly<Record<string, string>> };

const segmentHeaders = (record: SegmentRecord) => ({
  'Content-Type': mediaType(record.extension),
  'Content-Length': record.bytes,
  'Content-Digest': contentDigest(record.digest),
});

function answerOf(request: ClientRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    const unreachable = (error: Error) => reject(new UplinkFailed('unreachable', error.message));
    request.on('timeout', () => request.destroy(new Error('the line is dead')));
    request.on('error', unreachable);
    request.on('response', (response) => {
      collect(response).then((text) => {
        if (response.statusCode === 200 || response.statusCode === 201) return resolve(text);
        reject(new UplinkFailed(codeOf(text), `control answered ${response.statusCode}`));
      }, unreachable);
    });
  });
}

async function collect(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new Error('control answered too much');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function codeOf(problem: string): string {
  try {
    const { code } = JSON.parse(problem) as { code?: unknown };
    return typeof code === 'string' ? code : 'refused';
  } catch {
    return 'refused';
  }
}
