import type { SegmentRecord } from './segment-record.ts';
import { type Bytes, bytes } from './units.ts';

/**
 * What a segment means nothing without, an init section or a key: it is kept behind the segment's own bytes and goes
 * wherever they go, so whoever has the one has the other.
 */
export type Carried = {
  /** The first segment of its row that carried these bytes: its URL stays the same for all of them. */
  readonly sequence: number;
  /** SHA-256, base64url without padding. */
  readonly digest: string;
  readonly bytes: Bytes;
  readonly extension: string;
};

/** The bytes of a segment alone, where more is kept behind them. */
export type OwnBytes = { readonly digest: string; readonly bytes: Bytes };

/** Things that one segment may carry: an init section and the keys of some key systems. */
export const MAX_CARRIED = 8;

/** The number of base64url characters of the digest that stand in a URL: 132 bits, unguessable. */
export const URL_DIGEST_LENGTH = 22;

/** SHA-256 and length of what a segment's URL answers with. */
export const ownBytes = (record: SegmentRecord): OwnBytes => record.own ?? record;

/** The file name of a segment's URL: `{sequence}-{22 characters of its SHA-256}.ts`. */
export const segmentFileName = (record: SegmentRecord): string =>
  mediaFileName(record.sequence, ownBytes(record).digest, record.extension);

/** The same of an init section or a key. `sequence`: of a segment that carries it. */
export const carriedFileName = (carried: Carried, sequence = carried.sequence): string =>
  mediaFileName(sequence, carried.digest, carried.extension);

const mediaFileName = (sequence: number, digest: string, extension: string): string =>
  `${sequence}-${digest.slice(0, URL_DIGEST_LENGTH) || 'gap'}.${extension}`;

/** What a media URL's file name says, or undefined when it is not one. */
export function parseMediaFileName(
  name: string,
): { sequence: number; digest: string; extension: string } | undefined {
  const match = /^(\d{1,16})-([A-Za-z0-9_-]{22})\.([a-z0-9]{2,6})$/.exec(name);
  if (match === null) return undefined;
  return { sequence: Number(match[1]), digest: match[2]!, extension: match[3]! };
}

/** One of the things that are kept of a segment: where it lies in the kept bytes. */
export type Part = { readonly fileName: string; readonly begin: number; readonly end: number };

/** The segment and what it carries, in the order they are kept in. */
export function partsOf(record: SegmentRecord): readonly Part[] {
  let end: number = ownBytes(record).bytes;
  const parts: Part[] = [{ fileName: segmentFileName(record), begin: 0, end }];
  for (const carried of record.carries ?? []) {
    const begin = end;
    end += carried.bytes;
    parts.push({ fileName: carriedFileName(carried), begin, end });
  }
  return parts;
}

/**
 * What a URL's file name means in the kept bytes of a record: the segment itself, or what it carries, whichever
 * segment the name counts it to. Undefined where it means neither.
 */
export function partNamed(record: SegmentRecord, fileName: string): Part | undefined {
  if (record.gap !== undefined) return undefined;
  const behindNumber = (name: string) => name.slice(name.indexOf('-'));
  const wanted = behindNumber(fileName);
  return partsOf(record).find((part, at) =>
    at === 0 ? part.fileName === fileName : behindNumber(part.fileName) === wanted,
  );
}

/** The bytes of one part; no copy. */
export const cutOut = (kept: Buffer, { begin, end }: Part): Buffer => kept.subarray(begin, end);

/** How many bytes a segment's own are together with what it carries. */
export const keptBytes = (own: number, carries: readonly Pick<Carried, 'bytes'>[]): Bytes =>
  bytes(carries.reduce((sum, carried) => sum + carried.bytes, own));
