import type { SegmentCheck, Verdict } from './segment-check.ts';

const HEAD_BYTES = 16;

/** Tells by the first bytes whether a segment is what its name says. */
export class HeadCheck implements SegmentCheck {
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #filled = 0;

  /** @param otherwise the verdict where the head is not as it should be */
  constructor(
    private readonly isGood: (head: Buffer) => boolean,
    private readonly otherwise: Verdict,
  ) {}

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && this.#filled < HEAD_BYTES; at++)
      this.#head[this.#filled++] = chunk[at]!;
  }

  verdict(): Verdict {
    if (this.#filled === 0) return 'empty';
    return this.isGood(this.#head.subarray(0, this.#filled)) ? 'ok' : this.otherwise;
  }
}

/** RFC 8216 §3.5; the byte order mark may stand before it. */
export const isWebVtt = (head: Buffer): boolean => /^(?:\xef\xbb\xbf)?WEBVTT/.test(head.toString('latin1'));

/** RFC 8216 §3.4: ID3 with the time stamp, or a frame. Of MP3 the sync word has eleven bits where it is MPEG-2.5. */
export const isAdts = (head: Buffer): boolean => isId3(head) || beginsWith(head, 0xfff0, 0xfff0);
export const isMp3 = (head: Buffer): boolean => isId3(head) || beginsWith(head, 0xffe0, 0xffe0);
export const isAc3 = (head: Buffer): boolean => isId3(head) || beginsWith(head, 0xffff, 0x0b77);

const isId3 = (head: Buffer): boolean => head.toString('latin1', 0, 3) === 'ID3';
const beginsWith = (head: Buffer, mask: number, word: number): boolean =>
  head.length >= 2 && (head.readUInt16BE(0) & mask) === word;
