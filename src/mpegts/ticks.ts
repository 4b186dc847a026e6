declare const unit: unique symbol;

/** Media time in a transport stream: 90 kHz, 33 bits, going on at 0 after 26.5 hours (ISO/IEC 13818-1 §2.4.2.2). */
export type Ticks = number & { readonly [unit]: 'ticks' };

export const TICKS_PER_SECOND = 90_000;
/** The first number that 33 bits cannot hold. */
export const TICKS_WRAP = 2 ** 33;

/** Any whole number as ticks: what 33 bits keep of it. */
export const ticks = (value: number): Ticks => (((value % TICKS_WRAP) + TICKS_WRAP) % TICKS_WRAP) as Ticks;

/** How far it is from `from` on to `to`, across the wrap too. */
export const ticksBetween = (from: Ticks, to: Ticks): Ticks => ticks(to - from);

/** The 33 bits of a PTS or DTS, spread over 5 bytes with marker bits between (§2.4.3.6). */
export const readStamp = (bytes: Uint8Array, at: number): Ticks =>
  (((bytes[at]! >> 1) & 0x07) * 2 ** 30 +
    ((bytes[at + 1]! << 7) | (bytes[at + 2]! >> 1)) * 2 ** 15 +
    ((bytes[at + 3]! << 7) | (bytes[at + 4]! >> 1))) as Ticks;

/** Puts the time in the place of another; the marker bits and the four bits of the first byte that say which it is stay. */
export function writeStamp(bytes: Uint8Array, at: number, time: Ticks): void {
  const high = Math.floor(time / 2 ** 30);
  const low = time % 2 ** 30;
  bytes[at] = (bytes[at]! & 0xf1) | (high << 1);
  bytes[at + 1] = low >> 22;
  bytes[at + 2] = (bytes[at + 2]! & 0x01) | ((low >> 14) & 0xfe);
  bytes[at + 3] = (low >> 7) & 0xff;
  bytes[at + 4] = (bytes[at + 4]! & 0x01) | ((low << 1) & 0xfe);
}

/** The 33-bit base of a program clock reference; its 27 MHz extension is left out (§2.4.3.5). */
export const readPcrBase = (bytes: Uint8Array, at: number): Ticks =>
  (bytes[at]! * 2 ** 25 +
    ((bytes[at + 1]! << 17) |
      (bytes[at + 2]! << 9) |
      (bytes[at + 3]! << 1) |
      (bytes[at + 4]! >> 7))) as Ticks;

/** Puts a base in the place of another; the extension stays. */
export function writePcrBase(bytes: Uint8Array, at: number, base: Ticks): void {
  const low = base % 2 ** 25;
  bytes[at] = Math.floor(base / 2 ** 25);
  bytes[at + 1] = low >> 17;
  bytes[at + 2] = (low >> 9) & 0xff;
  bytes[at + 3] = (low >> 1) & 0xff;
  bytes[at + 4] = (bytes[at + 4]! & 0x7f) | ((low & 1) << 7);
}
