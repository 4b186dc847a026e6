import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import type { ByteRange } from '../../hls/segment-needs.ts';
import type { GapReason } from '../../media/segment-record.ts';
import { type Bytes, bytes, type EpochMs, epochMs, millis } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { MediaOrigin, ReadOrigin } from './media-origin.ts';

/** What can be seen of a segment without reading it. */
export type Sighting = {
  readonly bytes: Bytes;
  readonly modifiedAt: EpochMs;
  /** Where it is a part of a file: how long that is; 0 where it is not told. */
  readonly fileBytes?: Bytes;
};

/** A segment that is open for reading. Reading is bounded by what `sighting` told. */
export type OpenSegment = {
  readonly sighting: Sighting;
  /** The bytes; the chunk is reused for the next one. Fails with `SourceUnreadable`. */
  chunks(): AsyncIterable<Uint8Array>;
  /** Whether it is still what it was when it was opened. */
  unchanged(): Promise<boolean>;
  close(): Promise<void>;
};

/** A segment could not be read where the encoder said it is. */
export class SourceUnreadable extends Error {
  constructor(
    readonly reason: GapReason,
    detail: string,
    /** Whether a moment later it may be there. */
    readonly passing: boolean,
  ) {
    super(detail);
  }
}

const CHUNK_BYTES = 256 * 1024;
/** Of silence. */
const HTTP_TIMEOUT_MS = 5_000;
/** Until the head of an answer is there, however slowly it comes. */
const ANSWER_WITHIN = millis(10_000);

/**
 * Opens a segment of an origin; `name` is a plain file name or, at a web origin, an absolute URL of an allowed one.
 * `range`: only this part of it.
 */
export async function openSegment(
  origin: MediaOrigin,
  name: string,
  agents: HttpAgents,
  range: ByteRange | undefined,
): Promise<OpenSegment> {
  if (origin.kind === 'pushed') return origin.files.open(name, range);
  return origin.kind === 'file'
    ? openFile(join(origin.folder, name), range)
    : openUrl(targetOf(origin, name), agents, range);
}

/**
 * Looks at a segment without reading it; undefined when it is not there or holds nothing. Rejects with the reason of a
 * pull that is over: what was not looked at is not missing.
 */
export async function lookAt(
  origin: MediaOrigin,
  name: string,
  agents: HttpAgents,
  range: ByteRange | undefined,
): Promise<Sighting | undefined> {
  if (origin.kind === 'pushed') return origin.files.lookAt(name, range);
  try {
    if (origin.kind === 'http') return await headUrl(targetOf(origin, name), agents, range);
    const file = await openFile(join(origin.folder, name), range);
    await file.close();
    return file.sighting.bytes > 0 ? file.sighting : undefined;
  } catch {
    if (origin.kind === 'http') origin.pulled?.signal.throwIfAborted();
    return undefined;
  }
}

/** What is asked for, and what goes with the question. */
type Target = {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Aborts when nobody wants the answer any more: all of it then fails with the signal’s reason. */
  readonly signal?: AbortSignal;
};

function targetOf({ base, pulled }: Extract<ReadOrigin, { kind: 'http' }>, name: string): Target {
  if (pulled === undefined) return { url: /^https?:\/\//.test(name) ? name : `${base}/${name}` };
  const url = new URL(name, base);
  const { authorization, origin, signal } = pulled;
  const shows = authorization !== undefined && url.origin === origin;
  return { url: url.href, signal, ...(shows && { headers: { Authorization: authorization } }) };
}

/** Never follows a link, never waits on a FIFO, never opens a device. */
async function openFile(path: string, range?: ByteRange): Promise<OpenSegment> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw new SourceUnreadable('missing_at_source', 'the file is not there', true);
    throw new SourceUnreadable('unreadable_at_source', `the file cannot be opened (${code})`, false);
  }
  const before = await handle.stat();
  if (!before.isFile() || before.nlink !== 1) {
    await handle.close();
    throw new SourceUnreadable('unreadable_at_source', 'it is not a regular file of its own', false);
  }
  const begin = range?.offset ?? 0;
  const end = range === undefined ? before.size : begin + range.length;
  if (end > before.size) {
    await handle.close();
    throw new SourceUnreadable('truncated_at_source', 'the file does not hold that byte range yet', true);
  }
  return {
    sighting: range === undefined ? sightingOfFile(before) : sightingOfRange(range, before.size),
    async *chunks() {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(end - begin, 1)));
      for (let done = begin; done < end; ) {
        const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, end - done), done);
        if (bytesRead === 0) return;
        done += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    },
    async unchanged() {
      const after = await handle.stat();
      // What stands behind a byte range may grow.
      if (range !== undefined) return after.size >= before.size;
      return after.size === before.size && after.mtimeMs === before.mtimeMs;
    },
    close: () => handle.close(),
  };
}

const sightingOfFile = ({ size, mtimeMs }: { size: number; mtimeMs: number }): Sighting => ({
  bytes: bytes(size),
  modifiedAt: epochMs(Math.floor(mtimeMs)),
});

/** A file of many segments changes with each of them: when it was written says nothing of one. */
const sightingOfRange = ({ length }: ByteRange, fileBytes: number): Sighting => ({
  bytes: bytes(length),
  modifiedAt: epochMs(0),
  fileBytes: bytes(fileBytes),
});

/** Kept-alive connections to the origins an edge reads from, and the clock that bounds them. */
export type HttpAgents = { readonly clock: Clock; readonly http: HttpAgent; readonly https: HttpsAgent };

export const httpAgents = (clock: Clock): HttpAgents => ({
  clock,
  http: new HttpAgent({ keepAlive: true, maxSockets: 8 }),
  https: new HttpsAgent({ keepAlive: true, maxSockets: 8 }),
});

async function openUrl(
  target: Target,
  agents: HttpAgents,
  range: ByteRange | undefined,
): Promise<OpenSegment> {
  const response = await ask('GET', target, agents, range);
  const sighting = range === undefined ? sightingOf(response) : sightingOfRange(range, 0);
  return {
    sighting,
    async *chunks() {
      try {
        yield* response as AsyncIterable<Buffer>;
        // One without a length ends with its connection, whoever closed that.
        target.signal?.throwIfAborted();
      } catch (error) {
        target.signal?.throwIfAborted();
        throw new SourceUnreadable('unreadable_at_source', (error as Error).message, true);
      }
    },
    unchanged: async () => response.complete,
    close: async () => {
      if (!response.complete) response.destroy();
    },
  };
}

async function headUrl(
  target: Target,
  agents: HttpAgents,
  range: ByteRange | undefined,
): Promise<Sighting | undefined> {
  const response = await askHead(target, agents);
  const whole = sightingOf(response);
  if (range === undefined) return whole;
  return whole.bytes > 0 && whole.bytes < range.offset + range.length
    ? undefined
    : sightingOfRange(range, whole.bytes);
}

/** Cameras are small: of one that knows no HEAD, only the head of a GET is read. */
async function askHead(target: Target, agents: HttpAgents): Promise<IncomingMessage> {
  try {
    const response = await ask('HEAD', target, agents);
    response.resume();
    return response;
  } catch (error) {
    if (!(error instanceof NoSuchMethod)) throw error;
    const response = await ask('GET', target, agents);
    response.destroy();
    return response;
  }
}

class NoSuchMethod extends SourceUnreadable {}

/** No redirect is followed, nothing is decompressed. */
function ask(
  method: 'GET' | 'HEAD',
  { url, headers, signal }: Target,
  agents: HttpAgents,
  range?: ByteRange,
): Promise<IncomingMessage> {
  const secure = url.startsWith('https:');
  return new Promise<IncomingMessage>((resolve, reject) => {
    signal?.throwIfAborted();
    const request = (secure ? httpsRequest : httpRequest)(url, {
      method,
      agent: secure ? agents.https : agents.http,
      timeout: HTTP_TIMEOUT_MS,
      headers: { ...headers, 'Accept-Encoding': 'identity', ...(range && { Range: rangeHeader(range) }) },
      ...(signal !== undefined && { signal }),
    });
    const slow = () => request.destroy(new Error('the origin does not answer'));
    const late = agents.clock.after(ANSWER_WITHIN, slow);
    request.on('timeout', slow);
    request.on('error', (error) => {
      late.cancel();
      if (signal?.aborted) reject(signal.reason);
      else reject(new SourceUnreadable('unreadable_at_source', `the origin failed: ${error.message}`, true));
    });
    request.on('response', (response) => {
      late.cancel();
      if (isWanted(response, range)) return resolve(response);
      response.resume();
      if (method === 'HEAD' && (response.statusCode === 405 || response.statusCode === 501))
        return reject(new NoSuchMethod('unreadable_at_source', 'the origin knows no HEAD', false));
      const gone = response.statusCode === 404 || response.statusCode === 410;
      reject(
        new SourceUnreadable(
          gone ? 'missing_at_source' : 'unreadable_at_source',
          `the origin answered ${response.statusCode}`,
          true,
        ),
      );
    });
    request.end();
  });
}

const rangeHeader = ({ offset, length }: ByteRange): string => `bytes=${offset}-${offset + length - 1}`;

/** An origin that knows no byte ranges answers with all of the file: that is not the segment. */
function isWanted({ statusCode, headers }: IncomingMessage, range: ByteRange | undefined): boolean {
  if (headers['content-encoding'] !== undefined) return false;
  if (range === undefined) return statusCode === 200;
  const sent = rangeHeader(range).replace('bytes=', 'bytes ');
  return statusCode === 206 && (headers['content-range'] ?? '').startsWith(`${sent}/`);
}

/** Bytes are 0 where the origin does not tell the length. */
function sightingOf(response: IncomingMessage): Sighting {
  const modified = Date.parse(response.headers['last-modified'] ?? '');
  return {
    bytes: bytes(Number(response.headers['content-length'] ?? 0)),
    modifiedAt: epochMs(Number.isNaN(modified) ? 0 : modified),
  };
}
