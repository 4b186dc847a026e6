import type { SegmentCheck, Verdict } from './segment-check.ts';

/** ISO/IEC 14496-12 §4.2: size and type; behind them, where the size is 1, one of 64 bits. */
const HEADER = 8;
const LARGE_HEADER = 16;
/** The types that real files and segments begin with. Encrypted bytes are none of them. */
const KNOWN = new Set(
  'ftyp styp moov moof mdat sidx ssix emsg prft uuid free skip wide pdin meta mfra'.split(' '),
);

/**
 * Tells whether the bytes pushed, in order and in chunks of any size, are whole boxes of an MP4. It walks from header to
 * header and keeps no bytes but those of a header.
 */
export class BoxCheck implements SegmentCheck {
  readonly #header = Buffer.alloc(LARGE_HEADER);
  /** Bytes of the header that have come, and how long it is. */
  #filled = 0;
  #headerBytes = HEADER;
  /** Bytes of the box that are still to come; the last one may go on to the end. */
  #left = 0;
  #isEmpty = true;
  #isBroken = false;
  #isKnown = false;
  #hasMedia = false;
  /** Whether there is a `moov`: what an init section is for (RFC 8216 §3.3). */
  hasMoov = false;

  push(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#isEmpty = false;
    for (let at = 0; at < chunk.length && !this.#isBroken; ) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, chunk.length - at);
        this.#left -= passed;
        at += passed;
        continue;
      }
      this.#header[this.#filled++] = chunk[at++]!;
      if (this.#filled === this.#headerBytes) this.#readHeader();
    }
  }

  verdict(): Verdict {
    if (this.#isEmpty) return 'empty';
    if (!this.#isKnown) return 'not_mp4';
    const goesOnToTheEnd = this.#left === Number.POSITIVE_INFINITY;
    if (this.#isBroken || this.#filled > 0 || (this.#left > 0 && !goesOnToTheEnd)) return 'torn';
    return this.#hasMedia ? 'ok' : 'no_media';
  }

  #readHeader(): void {
    const size = this.#header.readUInt32BE(0);
    if (size === 1 && this.#headerBytes === HEADER) {
      this.#headerBytes = LARGE_HEADER;
      return;
    }
    const type = this.#header.toString('latin1', 4, HEADER);
    const whole = size === 1 ? Number(this.#header.readBigUInt64BE(HEADER)) : size;
    this.#isBroken = !/^[\x20-\x7e]{4}$/.test(type) || (size !== 0 && whole < this.#headerBytes);
    this.#left = size === 0 ? Number.POSITIVE_INFINITY : whole - this.#headerBytes;
    this.#isKnown ||= !this.#isBroken && KNOWN.has(type);
    // A first segment of ffmpeg with frag_every_frame is a lone `styp`: its media is in the init section.
    this.#hasMedia ||= type === 'moof' || type === 'mdat' || type === 'styp';
    this.hasMoov ||= type === 'moov';
    this.#filled = 0;
    this.#headerBytes = HEADER;
  }
}
