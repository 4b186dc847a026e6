import { type EpochMs, KIB, type Seconds, seconds } from '../media/units.ts';
import { parseDateTime } from './date-time.ts';
import type { MediaPlaylist, MediaPlaylistSegment } from './media-playlist.ts';
import { PlaylistError } from './playlist-error.ts';

/** A day of four-second segments, and room. */
export const MAX_SEGMENTS = 25_000;
/** Lines kept with segments: four for each. */
export const MAX_TAGS = 4 * MAX_SEGMENTS;
/** Of one line, in bytes, without its end. */
export const MAX_LINE_BYTES = 4 * KIB;
/** Longer than any segment an encoder means. */
export const MAX_EXTINF: Seconds = seconds(600);

/**
 * Reads the media playlist an encoder wrote (RFC 8216 §4.3): generous with what does no harm (CRLF, a BOM,
 * blank lines, tags in odd places, a wrong target duration), strict where a guess would number or time
 * segments wrongly. Linear in the length of the body.
 *
 * @throws PlaylistError and nothing else.
 */
export function parseMediaPlaylist(body: Uint8Array | string): MediaPlaylist {
  const text = typeof body === 'string' ? withoutByteOrderMark(body) : decode(body);
  refuseNul(text);
  const reader = new MediaPlaylistReader();
  let line = 1;
  for (let start = 0; start < text.length; line++) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    refuseLongLine(text, start, end, line);
    const trimmedEnd = endOfText(text, start, end);
    if (trimmedEnd > start || line === 1) reader.read(text.slice(start, trimmedEnd), line);
    start = end + 1;
  }
  return reader.finish(line - 1);
}

/** Takes the lines one by one; what it has read of the coming segment waits in `pending…`. */
class MediaPlaylistReader {
  readonly #segments: Numbered<MediaPlaylistSegment>[] = [];
  #targetDuration: number | undefined;
  #mediaSequence: { readonly value: number; readonly line: number } | undefined;
  #discontinuitySequence = 0;
  #endList = false;
  #tagCount = 0;

  #pendingDuration: Seconds | undefined;
  #pendingDurationLine = 0;
  #pendingDiscontinuity = false;
  #pendingGap = false;
  #pendingDateTime: EpochMs | undefined;
  #pendingTags: string[] | undefined;

  read(text: string, line: number): void {
    if (line === 1) {
      refuseNoPlaylist(text);
    } else if (!text.startsWith('#')) {
      this.#readUri(text, line);
    } else if (!text.startsWith('#EXT')) {
      this.#keep(text, line);
    } else {
      const colon = text.indexOf(':');
      const end = colon === -1 ? text.length : colon;
      this.#readTag(text.slice(0, end), text.slice(end + 1), text, line);
    }
  }

  finish(lastLine: number): MediaPlaylist {
    if (lastLine === 0) throw notAPlaylist();
    if (this.#pendingDuration !== undefined) throw uriMissing(this.#pendingDurationLine);
    const mediaSequence = this.#mediaSequence?.value ?? 0;
    if (mediaSequence > Number.MAX_SAFE_INTEGER - this.#segments.length + 1) {
      throw sequenceTooHigh(this.#mediaSequence?.line ?? 1);
    }
    // The tag may stand behind the first segments, so numbers are made whole last.
    for (const segment of this.#segments) segment.sequence += mediaSequence;
    return {
      ...(this.#targetDuration === undefined ? {} : { targetDuration: this.#targetDuration }),
      mediaSequence,
      discontinuitySequence: this.#discontinuitySequence,
      endList: this.#endList,
      segments: this.#segments,
    };
  }

  #readTag(name: string, value: string, text: string, line: number): void {
    switch (name) {
      case '#EXTINF':
        if (this.#pendingDuration !== undefined) throw uriMissing(this.#pendingDurationLine);
        this.#pendingDuration = durationOf(value, line);
        this.#pendingDurationLine = line;
        return;
      case '#EXT-X-PROGRAM-DATE-TIME':
        this.#pendingDateTime = parseDateTime(value.trim());
        return;
      case '#EXT-X-DISCONTINUITY':
        this.#pendingDiscontinuity = true;
        return;
      case '#EXT-X-GAP':
        this.#pendingGap = true;
        return;
      case '#EXT-X-TARGETDURATION':
        this.#targetDuration = targetDurationOf(value.trim());
        return;
      case '#EXT-X-MEDIA-SEQUENCE':
        if (this.#mediaSequence !== undefined) throw duplicateSequence(line);
        this.#mediaSequence = { value: sequenceOf(value.trim(), line), line };
        return;
      case '#EXT-X-DISCONTINUITY-SEQUENCE':
        this.#discontinuitySequence = sequenceOf(value.trim(), line);
        return;
      case '#EXT-X-ENDLIST':
        this.#endList = true;
        return;
      case '#EXT-X-STREAM-INF':
      case '#EXT-X-I-FRAME-STREAM-INF':
      case '#EXT-X-MEDIA':
        throw mediaPlaylistWanted(line);
      default:
        if (!OF_THE_PLAYLIST.has(name)) this.#keep(text, line);
    }
  }

  #keep(text: string, line: number): void {
    if (++this.#tagCount > MAX_TAGS) throw tooManyTags(line);
    this.#pendingTags ??= [];
    this.#pendingTags.push(detached(text));
  }

  #readUri(uri: string, line: number): void {
    if (this.#pendingDuration === undefined) throw durationMissing(line);
    if (this.#segments.length === MAX_SEGMENTS) throw tooManySegments(line);
    this.#segments.push({
      line,
      sequence: this.#segments.length,
      uri: detached(uri),
      duration: this.#pendingDuration,
      discontinuity: this.#pendingDiscontinuity,
      ...(this.#pendingDateTime === undefined ? {} : { programDateTime: this.#pendingDateTime }),
      gap: this.#pendingGap,
      tags: this.#pendingTags ?? NO_TAGS,
    });
    this.#pendingDuration = undefined;
    this.#pendingDiscontinuity = false;
    this.#pendingGap = false;
    this.#pendingDateTime = undefined;
    this.#pendingTags = undefined;
  }
}

/** A segment whose number is still counted from the list's first. */
type Numbered<Segment> = Omit<Segment, 'sequence'> & { sequence: number };

const NO_TAGS: readonly string[] = [];

/** Tags that speak of the whole playlist, not of the segment they happen to stand before. */
const OF_THE_PLAYLIST: ReadonlySet<string> = new Set([
  '#EXTM3U',
  '#EXT-X-VERSION',
  '#EXT-X-PLAYLIST-TYPE',
  '#EXT-X-ALLOW-CACHE',
  '#EXT-X-INDEPENDENT-SEGMENTS',
  '#EXT-X-START',
  '#EXT-X-I-FRAMES-ONLY',
  '#EXT-X-PART-INF',
  '#EXT-X-SERVER-CONTROL',
  '#EXT-X-DEFINE',
]);

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

function refuseNul(text: string): void {
  const at = text.indexOf('\0');
  if (at !== -1) throw nul(text.slice(0, at).split('\n').length);
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
const detached = (slice: string): string => (slice.length < SHORTEST_SLICE ? slice : ` ${slice}`.slice(1));

/** V8 copies shorter ones. */
const SHORTEST_SLICE = 13;

/** Decimal numbers as RFC 8216 §4.2 has them: no sign, no exponent. */
const DECIMAL = /^(?:\d+(?:\.\d*)?|\.\d+)$/;
const INTEGER = /^\d+$/;

function durationOf(value: string, line: number): Seconds {
  const comma = value.indexOf(',');
  const text = (comma === -1 ? value : value.slice(0, comma)).trim();
  const duration = DECIMAL.test(text) ? Number(text) : Number.NaN;
  if (!(duration <= MAX_EXTINF)) throw badDuration(line);
  return seconds(duration);
}

function targetDurationOf(value: string): number | undefined {
  if (!DECIMAL.test(value)) return undefined;
  const rounded = Math.round(Number(value));
  return rounded > 0 && Number.isSafeInteger(rounded) ? rounded : undefined;
}

function sequenceOf(value: string, line: number): number {
  if (!INTEGER.test(value)) throw badSequence(line);
  const sequence = Number(value);
  if (!Number.isSafeInteger(sequence)) throw sequenceTooHigh(line);
  return sequence;
}

const bad = (line: number, what: string) => new PlaylistError('bad_playlist', line, what);

const notAPlaylist = () => bad(1, 'this is no playlist; begin it with the line #EXTM3U');
const badUtf8 = (line: number) => bad(line, 'this is not UTF-8; write the playlist as UTF-8');
const nul = (line: number) => bad(line, 'a NUL character stands here; write the playlist as plain text');
const mediaPlaylistWanted = (line: number) =>
  bad(line, 'this is a multivariant playlist, and a media playlist is wanted; post those it names');
const durationMissing = (line: number) =>
  bad(line, 'this URI has no EXTINF; write #EXTINF:SECONDS, before every segment');
const uriMissing = (line: number) =>
  bad(line, 'no URI follows this EXTINF; write the segment behind it, and the playlist to its end');
const badDuration = (line: number) =>
  bad(line, `this EXTINF is no duration; write 0 to ${MAX_EXTINF} seconds, such as #EXTINF:4.0,`);
const badSequence = (line: number) =>
  bad(line, 'this sequence number is none; write a decimal integer from 0 on');
const sequenceTooHigh = (line: number) =>
  bad(line, 'this sequence number leads beyond 2^53-1; number the segments from a lower one');
const duplicateSequence = (line: number) =>
  bad(line, 'EXT-X-MEDIA-SEQUENCE stands here for the second time; write it once');
const tooManyTags = (line: number) => bad(line, `this is one tag too many; keep them under ${MAX_TAGS}`);
const lineTooLong = (line: number) =>
  new PlaylistError('line_too_long', line, `this line is too long; keep it under ${MAX_LINE_BYTES} bytes`);
const tooManySegments = (line: number) =>
  new PlaylistError(
    'too_many_segments',
    line,
    `this is one segment too many; list at most ${MAX_SEGMENTS} (with ffmpeg: -hls_list_size)`,
  );
