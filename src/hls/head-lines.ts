import type { SegmentRecord } from '../media/segment-record.ts';
import { parseAttributes, renderAttributes } from './attributes.ts';
import { CONTROL } from './playlist-lines.ts';

/** Every segment can be decoded alone (RFC 8216 §4.3.5.1). */
export const INDEPENDENT_SEGMENTS = '#EXT-X-INDEPENDENT-SEGMENTS';
/** Every segment is one picture that can be decoded alone (RFC 8216 §4.3.3.6). */
export const I_FRAMES_ONLY = '#EXT-X-I-FRAMES-ONLY';
/** Where to begin (RFC 8216 §4.3.5.2). */
export const START = '#EXT-X-START';

/** It crosses with every segment: one that is longer means nothing to a player. */
const MAX_START = 256;
const OFFSET = /^-?\d{1,12}(?:\.\d*)?$/;

/** EXT-X-START as it is passed on; undefined where it names no place. */
export function startLine(value: string): string | undefined {
  if (value.length > MAX_START || CONTROL.test(value)) return undefined;
  const attributes = parseAttributes(value);
  const offset = attributes?.get('TIME-OFFSET');
  if (offset === undefined || offset.quoted || !OFFSET.test(offset.value)) return undefined;
  return `${START}:${renderAttributes(attributes!)}`;
}

/** Lines of the playlists' heads that are true of all these segments. */
export const sharedHead = (list: readonly SegmentRecord[]): readonly string[] =>
  [INDEPENDENT_SEGMENTS, I_FRAMES_ONLY].filter((line) => list.every(({ head }) => head?.includes(line)));

/** Where the playlist that listed this segment said to begin. */
export const startOf = ({ head }: SegmentRecord): string | undefined =>
  head?.find((line) => line.startsWith(START));
