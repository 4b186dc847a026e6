import { createHash } from 'node:crypto';
import { bytes, type EpochMs } from '../../../media/units.ts';
import { TransportStreamCheck } from '../../../mpegts/transport-stream-check.ts';
import { isDiskFull, type StagedSegment } from '../../spool/spool.ts';
import { SourceUnreadable } from '../open-segment.ts';
import { MemorySink, type ReadSegment, verdicts } from '../read-segment.ts';
import type { ArrivingBody } from './arriving-body.ts';

/** A pushed segment that has come to its end, where it lies. */
export type PushedSegment = ReadSegment & {
  readonly sink: StagedSegment | MemorySink;
  /** Why it is no segment, unless it is an encrypted one. */
  readonly unlessEncrypted?: SourceUnreadable;
};

/** AES-128 with PKCS7 padding (RFC 8216 §4.3.2.4) makes whole blocks. */
const CIPHER_BLOCK = 16;

/** Where a segment is written to while it comes. */
export type Receiving = {
  readonly extension: string;
  readonly startedAt: EpochMs;
  openSink(): Promise<StagedSegment | MemorySink>;
};

/**
 * Takes a segment's bytes from the socket to the disk; those already written move to memory when the disk is full.
 * Rejects with `SourceUnreadable` when they are no whole segment, `ClientGone` when the encoder went in the middle,
 * `LiveMixError` when there are too many.
 */
export async function receiveSegment(body: ArrivingBody, receiving: Receiving): Promise<PushedSegment> {
  const { extension, startedAt } = receiving;
  const hash = createHash('sha256');
  const check = extension === 'ts' ? new TransportStreamCheck() : undefined;
  let sink = await receiving.openSink();
  let size = 0;
  try {
    for await (const batch of body.batches()) {
      let batchBytes = 0;
      for (const chunk of batch) {
        hash.update(chunk);
        check?.push(chunk);
        batchBytes += chunk.length;
      }
      try {
        await sink.write(...batch);
      } catch (error) {
        if (!isDiskFull(error) || sink instanceof MemorySink) throw error;
        sink = await movedToMemory(sink, size);
        await sink.write(...batch);
      }
      size += batchBytes;
    }
    const verdict = check?.verdict() ?? (size === 0 ? 'empty' : 'ok');
    const digest = hash.copy().digest('base64url');
    const read = { digest, hash, bytes: bytes(size), modifiedAt: startedAt, sink };
    if (verdict === 'ok') return read;
    const unreadable = new SourceUnreadable('truncated_at_source', verdicts[verdict], true);
    // Whether it is encrypted is told by the playlist.
    if (verdict !== 'not_ts' || size % CIPHER_BLOCK !== 0) throw unreadable;
    return { ...read, unlessEncrypted: unreadable };
  } catch (error) {
    await sink.discard();
    throw error;
  }
}

async function movedToMemory(staged: StagedSegment, size: number): Promise<MemorySink> {
  const sink = new MemorySink();
  await sink.write((await staged.content()).subarray(0, size));
  await staged.discard();
  return sink;
}
