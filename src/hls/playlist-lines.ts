import { KIB } from '../media/units.ts';
import { PlaylistError } from './playlist-error.ts';

/** Of one line, in bytes, without its end. */
export const MAX_LINE_BYTES = 4 * KIB;

/** What no playlist may hold (rfc8216bis §4.1). */
export const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Of a URI that is not relative (RFC 3986 §3.1). */
export const HAS_SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/;

/**
 * The text of a playlist, without a byte order mark.
 *
 * @throws PlaylistError where it is not UTF-8 or holds a NUL.
 */
export function decodePlaylist(body: Uint8Array | string): string {
  const text = typeof body === 'string' ? withoutByteOrderMark(body) : decode(body);
  const at = text.indexOf('\0');
  if (at !== -1) throw nul(text.slice(0, at).split('\n').length);
  return text;
}

/**
 * Calls `read` with where every line behind `#EXTM3U` begins and ends that is not blank, without its end and the white
 * space before it. Most lines are never made strings of their own.
 *
 * @throws PlaylistError where the text does not begin as a playlist, or a line is too long; and what `read` throws.
 */
export function forEachLine(text: string, read: (start: number, end: number, line: number) => void): void {
  let line = 1;
  for (let start = 0; start < text.length; line++) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    refuseLongLine(text, start, end, line);
    const trimmedEnd = endOfText(text, start, end);
    if (line === 1) refuseNoPlaylist(text.slice(start, trimmedEnd));
    else if (trimmedEnd > start) read(start, trimmedEnd, line);
    start = end + 1;
  }
  if (line === 1) throw notAPlaylist();
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw badUtf8(lineOfBadUtf8(body));
  }
}

/** The line in which decoding fails. No UTF-8 sequence holds a line feed, so lines decode alone. */
function lineOfBadUtf8(body: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  for (let start = 0; start < body.length; line++) {
    const newline = body.indexOf(0x0a, start);
    const end = newline === -1 ? body.length : newline;
    try {
      decoder.decode(body.subarray(start, end));
    } catch {
      return line;
    }
    start = end + 1;
  }
  return line;
}

const withoutByteOrderMark = (text: string): string => (text.startsWith('\uFEFF') ? text.slice(1) : text);

function refuseNoPlaylist(firstLine: string): void {
  if (firstLine !== '#EXTM3U' && !firstLine.startsWith('#EXTM3U ')) throw notAPlaylist();
}

function refuseLongLine(text: string, start: number, end: number, line: number): void {
  // One UTF-16 unit is one to three bytes of UTF-8: most lines need no counting.
  if (3 * (end - start) <= MAX_LINE_BYTES) return;
  const content = end - (text.charCodeAt(end - 1) === CARRIAGE_RETURN ? 1 : 0);
  const tooLong =
    content - start > MAX_LINE_BYTES ||
    new TextEncoder().encode(text.slice(start, content)).length > MAX_LINE_BYTES;
  if (tooLong) throw lineTooLong(line);
}

const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;

/** Where a line's text ends: before a carriage return and other white space. */
function endOfText(text: string, start: number, end: number): number {
  let at = end;
  while (at > start && text.charCodeAt(at - 1) <= SPACE) at--;
  return at;
}

/**
 * The same text as a string of its own. V8 makes a slice point into the text it came from, so a single
 * file name that is kept would keep its whole playlist in memory.
 */
export const detached = (slice: string): string =>
  slice.length < SHORTEST_SLICE ? slice : ` ${slice}`.slice(1);

/** V8 copies shorter ones. */
const SHORTEST_SLICE = 13;

const bad = (line: number, what: string) => new PlaylistError('bad_playlist', line, what);

const notAPlaylist = () => bad(1, 'this is no playlist; begin it with the line #EXTM3U');
const badUtf8 = (line: number) => bad(line, 'this is not UTF-8; write the playlist as UTF-8');
const nul = (line: number) => bad(line, 'a NUL character stands here; write the playlist as plain text');
const lineTooLong = (line: number) =>
  new PlaylistError('line_too_long', line, `this line is too long; keep it under ${MAX_LINE_BYTES} bytes`);
