import { KIB, type Seconds, seconds } from '../media/units.ts';
import { PACKET_BYTES, type Packet, pidOf, SYNC_BYTE } from './packet.ts';
import { stampsOf } from './pes.ts';
import { beginsPmt, PAT_PID, readPat } from './tables.ts';
import { TICKS_PER_SECOND, TICKS_WRAP, type Ticks, ticksBetween } from './ticks.ts';

/** What bytes that should be a transport stream turned out to be. */
export type TransportStreamVerdict =
  | 'ok'
  /** No bytes at all. */
  | 'empty'
  /** It begins as one, but does not end with a whole packet: somebody is still writing, or was cut off. */
  | 'torn'
  /** A sync byte is missing in the first or last five packets. */
  | 'not_ts'
  /** No PAT, or no PMT where the PAT says, in the first 64 KiB: a player could not begin. */
  | 'no_tables';

/** How many packets are looked at, at the beginning and at the end. */
const SYNCED_PACKETS = 5;
const TABLES_WITHIN = 64 * KIB;
/** ISO/IEC 13818-1 §2.4.3.2: payload_unit_start_indicator. */
const UNIT_START = 0x40;

/**
 * Tells whether the bytes pushed, in order and in chunks of any size, look like a whole MPEG transport stream
 * (ISO/IEC 13818-1 §2.4.3.2). It keeps no bytes but, until the tables are found, a packet that lies across two chunks.
 */
export class TransportStreamCheck {
  #size = 0;
  #beginsInSync = true;
  /** How many packets, up to the newest, began with the sync byte. */
  #inSync = 0;
  #hasTables = false;
  /** The PIDs that a PAT named, and those on which a PMT was seen: they may come in either order. */
  #named: readonly number[] = [];
  #maps: number[] = [];
  #acrossChunks: Buffer | undefined;
  /** The first presentation time, and how far before and behind it others lie, in ticks. */
  #firstStamp: Ticks | undefined;
  #earliest = 0;
  #latest = 0;

  push(chunk: Uint8Array): void {
    this.#lookForTables(chunk);
    this.#countSync(chunk);
    this.#size += chunk.length;
  }

  verdict(): TransportStreamVerdict {
    if (this.#size === 0) return 'empty';
    if (!this.#beginsInSync) return 'not_ts';
    if (this.#size % PACKET_BYTES !== 0) return 'torn';
    if (this.#inSync < Math.min(SYNCED_PACKETS, this.#size / PACKET_BYTES)) return 'not_ts';
    return this.#hasTables ? 'ok' : 'no_tables';
  }

  /** From the first picture or sound to the last, as presented; 0 where fewer than two were seen. */
  get span(): Seconds {
    return seconds((this.#latest - this.#earliest) / TICKS_PER_SECOND);
  }

  #countSync(chunk: Uint8Array): void {
    const intoPacket = this.#size % PACKET_BYTES;
    for (let at = intoPacket === 0 ? 0 : PACKET_BYTES - intoPacket; at < chunk.length; at += PACKET_BYTES) {
      const good = chunk[at] === SYNC_BYTE;
      this.#inSync = good ? this.#inSync + 1 : 0;
      if (!good && this.#size + at < SYNCED_PACKETS * PACKET_BYTES) this.#beginsInSync = false;
      // A packet across two chunks is passed over: there are many others.
      if (good && (chunk[at + 1]! & UNIT_START) !== 0 && at + PACKET_BYTES <= chunk.length) {
        this.#readStamp(chunk.subarray(at, at + PACKET_BYTES));
      }
    }
  }

  #readStamp(packet: Packet): void {
    const stamps = stampsOf(packet);
    if (stamps === undefined) return;
    this.#firstStamp ??= stamps.pts;
    const ahead = ticksBetween(this.#firstStamp, stamps.pts);
    const distance = ahead > TICKS_WRAP / 2 ? ahead - TICKS_WRAP : ahead;
    this.#earliest = Math.min(this.#earliest, distance);
    this.#latest = Math.max(this.#latest, distance);
  }

  #lookForTables(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && !this.#hasTables) {
      const begin = this.#size + at - ((this.#size + at) % PACKET_BYTES);
      if (begin + PACKET_BYTES > TABLES_WITHIN) break;
      const into = this.#size + at - begin;
      const end = Math.min(chunk.length, at + PACKET_BYTES - into);
      const piece = chunk.subarray(at, end);
      if (piece.length === PACKET_BYTES) {
        this.#readTable(piece);
      } else {
        this.#acrossChunks ??= Buffer.allocUnsafe(PACKET_BYTES);
        this.#acrossChunks.set(piece, into);
        if (into + piece.length === PACKET_BYTES) this.#readTable(this.#acrossChunks);
      }
      at = end;
    }
  }

  #readTable(packet: Packet): void {
    if (packet[0] !== SYNC_BYTE) return;
    if (pidOf(packet) === PAT_PID) this.#named = readPat(packet) ?? this.#named;
    else if (beginsPmt(packet)) this.#maps.push(pidOf(packet));
    else return;
    this.#hasTables = this.#maps.some((pid) => this.#named.includes(pid));
  }
}
