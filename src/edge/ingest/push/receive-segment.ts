import { createHash } from 'node:crypto';
import { bytes, type EpochMs } from '../../../media/units.ts';
import { checkOf, mayBeMeant, verdicts } from '../check/segment-check.ts';
import { SourceUnreadable } from '../open-segment.ts';
import type { ReadSegment } from '../read-segment.ts';
import type { ArrivingBody } from './arriving-body.ts';
import type { PieceSink, Pieces } from './pieces.ts';

/** A pushed segment that has come to its end, where it lies. */
export type PushedSegment = ReadSegment & {
  readonly sink: PieceSink;
  /** Why it is no clear segment: it may be an encrypted one, or an init section. */
  readonly notClear?: SourceUnreadable;
};

/** What a segment is, and where it is written to while it comes. */
export type Receiving = {
  readonly extension: string;
  readonly startedAt: EpochMs;
  readonly pieces: Pieces;
  /** More of it lies in its pieces. */
  grew?(): void;
};

/**
 * Takes a segment's bytes from the socket to the disk. Undefined where it went on for so long that it is a file of many
 * segments. Rejects with `SourceUnreadable` when they are no whole segment, `ClientGone` when the encoder went in the
 * middle, `LiveMixError` when there are too many.
 */
export async function receiveSegment(
  body: ArrivingBody,
  { extension, startedAt, pieces, grew }: Receiving,
): Promise<PushedSegment | undefined> {
  const hash = createHash('sha256');
  const check = checkOf(extension);
  try {
    for await (const batch of body.batches()) {
      for (const chunk of pieces.isSplit ? [] : batch) {
        hash.update(chunk);
        check?.push(chunk);
      }
      await pieces.write(batch);
      grew?.();
    }
    if (pieces.isSplit) return undefined;
    const size = pieces.end;
    const verdict = check?.verdict() ?? (size === 0 ? 'empty' : 'ok');
    const digest = hash.copy().digest('base64url');
    const read = { digest, hash, bytes: bytes(size), modifiedAt: startedAt, sink: await pieces.only() };
    if (verdict === 'ok') return read;
    const unreadable = new SourceUnreadable('truncated_at_source', verdicts[verdict], true);
    if (!mayBeMeant(verdict, size)) throw unreadable;
    return { ...read, notClear: unreadable };
  } catch (error) {
    await pieces.discard();
    throw error;
  }
}
