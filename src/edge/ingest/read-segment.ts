import { createHash, type Hash } from 'node:crypto';
import type { ByteRange } from '../../hls/segment-needs.ts';
import { type Bytes, bytes, type EpochMs, type Millis, millis, type Seconds } from '../../media/units.ts';
import type { Clock } from '../../runtime/clock.ts';
import { checkOf, type Verdict, verdicts } from './check/segment-check.ts';
import type { MediaOrigin } from './media-origin.ts';
import { type HttpAgents, type OpenSegment, openSegment, SourceUnreadable } from './open-segment.ts';

/** A segment that was read whole and found good. */
export type ReadSegment = {
  readonly digest: string;
  /** As it stands behind the last byte: what is kept behind them goes on with it. */
  readonly hash: Hash;
  readonly bytes: Bytes;
  readonly modifiedAt: EpochMs;
};

/** Where bytes go while they are read; begun anew for every attempt. */
export interface Sink {
  write(...chunks: readonly Uint8Array[]): Promise<void>;
  discard(): Promise<void>;
}

/** How often, and how long after, a segment that is not whole is read again: an encoder may still be writing it. */
const READ_AGAIN_AFTER = [millis(50), millis(150), millis(300)];
/** An encoder that named a segment so long ago has had this time: a second look is the last one. */
const HAD_ITS_TIME = READ_AGAIN_AFTER.reduce((sum, pause) => sum + pause, 0);

/** A segment that presents less than this part of its EXTINF may not be written to its end yet, and is watched a moment. */
const WHOLE = 0.95;
const SETTLES_WITHIN = millis(50);
/** Below this it is taken for unfinished. */
const HALF_WRITTEN = 0.7;

/** A web origin that sends a segment more slowly than this will not keep up with live. */
const READ_WITHIN_MS = 30_000;

/** What to read. */
export type Reading = {
  readonly origin: MediaOrigin;
  readonly name: string;
  readonly extension: string;
  /** Its EXTINF. */
  readonly duration: Seconds;
  readonly range: ByteRange | undefined;
  /** Its bytes say nothing. */
  readonly encrypted: boolean;
  /** PAT and PMT, or the head of WebVTT, lie elsewhere. */
  readonly hasMap: boolean;
  /** It is one picture, shorter than its EXTINF (RFC 8216 §4.3.3.6). */
  readonly iFrame: boolean;
  readonly announced: Announced;
};

/** When what names a segment came: what is read late was not announced late. */
export type Announced = { readonly at: EpochMs; readonly monotonic: Millis };

/** What reading needs. */
export type ReadTools = {
  readonly clock: Clock;
  readonly agents: HttpAgents;
  readonly maxSegmentBytes: number;
};

/**
 * Reads a segment from where its encoder keeps it into a sink, without ever holding the whole of it in memory.
 * Rejects with `SourceUnreadable`, whose reason the gap is given; whatever the sink rejects with passes through.
 */
export async function readSegment<S extends Sink>(
  reading: Reading,
  openSink: () => Promise<S>,
  tools: ReadTools,
): Promise<ReadSegment & { readonly sink: S }> {
  return tryAgain(tools.clock, reading.announced, (last) => readOnce(reading, openSink, tools, last));
}

/**
 * Tries some times where a moment later it may be there: half a second from when it was announced on, not from when it
 * is its turn. What cannot be read must not keep what can be, until its encoder has removed that, too.
 * Rejects as `read` does.
 */
export async function tryAgain<T>(
  clock: Clock,
  announced: Announced,
  read: (last: boolean) => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    const isLate = attempt > 0 && clock.monotonic() - announced.monotonic >= HAD_ITS_TIME;
    const again = isLate ? undefined : READ_AGAIN_AFTER[attempt];
    try {
      return await read(again === undefined);
    } catch (error) {
      if (!(error instanceof SourceUnreadable) || !error.passing || again === undefined) throw error;
      await clock.sleep(again);
    }
  }
}

async function readOnce<S extends Sink>(
  reading: Reading,
  openSink: () => Promise<S>,
  tools: ReadTools,
  last: boolean,
) {
  const segment = await openSegment(reading.origin, reading.name, tools.agents, reading.range);
  try {
    if (segment.sighting.bytes > tools.maxSegmentBytes) throw tooLarge();
    const sink = await openSink();
    try {
      return { ...(await copy(segment, reading, sink, tools, last)), sink };
    } catch (error) {
      await sink.discard();
      throw error;
    }
  } finally {
    await segment.close();
  }
}

async function copy(
  segment: OpenSegment,
  reading: Reading,
  sink: Sink,
  { clock, maxSegmentBytes }: ReadTools,
  last: boolean,
): Promise<ReadSegment> {
  const { origin, extension, duration, encrypted, iFrame } = reading;
  const hash = createHash('sha256');
  const check = encrypted ? undefined : checkOf(extension);
  let size = 0;
  const startedAt = clock.monotonic();
  for await (const chunk of segment.chunks()) {
    size += chunk.length;
    if (origin.kind === 'http' && clock.monotonic() - startedAt > READ_WITHIN_MS) throw tooSlow();
    if (size > maxSegmentBytes) throw tooLarge();
    hash.update(chunk);
    check?.push(chunk);
    await sink.write(chunk);
  }
  if (size < segment.sighting.bytes || !(await segment.unchanged())) {
    throw truncated('the file changed while it was read');
  }
  const verdict = check?.verdict() ?? (size === 0 ? 'empty' : 'ok');
  if (verdict !== 'ok' && !isExcused(verdict, reading)) throw truncated(verdicts[verdict]);
  const presented = check?.span === undefined || iFrame ? 1 : check.span / duration;
  if (presented < WHOLE && !last) await refuseUnfinished(segment, presented, clock);
  const digest = hash.copy().digest('base64url');
  return { digest, hash, bytes: bytes(size), modifiedAt: segment.sighting.modifiedAt };
}

/** An encoder that still writes may just have come to the end of a packet. One that lies about EXTINF is believed at last. */
async function refuseUnfinished(segment: OpenSegment, presented: number, clock: Clock): Promise<void> {
  if (presented > 0 && presented < HALF_WRITTEN) throw truncated('it is much shorter than its EXTINF');
  await clock.sleep(SETTLES_WITHIN);
  if (!(await segment.unchanged())) throw truncated('the file is still being written');
}

/** What lies in the init section need not be in the segment (RFC 8216 §3.2, §3.5), and a picture may be the head of its `mdat`. */
function isExcused(verdict: Verdict, { extension, hasMap, iFrame }: Reading): boolean {
  if (verdict === 'no_tables') return hasMap || iFrame;
  return (verdict === 'not_webvtt' && hasMap) || (verdict === 'torn' && iFrame && extension !== 'ts');
}

const truncated = (detail: string) => new SourceUnreadable('truncated_at_source', detail, true);
const tooSlow = () => new SourceUnreadable('unreadable_at_source', 'it comes too slowly', false);
const tooLarge = () => new SourceUnreadable('too_large', 'the segment is larger than this edge takes', false);

/** Keeps the bytes in memory: for when the disk is full. */
export class MemorySink implements Sink {
  #chunks: Buffer[] = [];

  async write(...chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) this.#chunks.push(Buffer.from(chunk));
  }

  async discard(): Promise<void> {
    this.#chunks = [];
  }

  content(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  async read(begin: number, length: number): Promise<Buffer> {
    // Joined once, however many parts are read.
    if (this.#chunks.length > 1) this.#chunks = [this.content()];
    return (this.#chunks[0] ?? Buffer.alloc(0)).subarray(begin, begin + length);
  }
}
