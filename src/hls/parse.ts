import { MAX_TITLE } from '../media/segment-record.ts';
import { type EpochMs, type Seconds, seconds } from '../media/units.ts';
import { DateTimeReader } from './date-time.ts';
import { decimalIn } from './decimal.ts';
import { I_FRAMES_ONLY, INDEPENDENT_SEGMENTS, START, startLine } from './head-lines.ts';
import type { MediaPlaylist, MediaPlaylistSegment } from './media-playlist.ts';
import type { MultivariantPlaylist } from './multivariant-playlist.ts';
import { isMultivariant, readMultivariantPlaylist } from './parse-multivariant.ts';
import { PlaylistError } from './playlist-error.ts';
import { CONTROL, decodePlaylist, detached, forEachLine } from './playlist-lines.ts';
import { standsAt } from './stands-at.ts';
import { Variables } from './variables.ts';

/** A day of four-second segments, and room. */
export const MAX_SEGMENTS = 25_000;
/** Lines kept with segments: four for each. */
export const MAX_TAGS = 4 * MAX_SEGMENTS;
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
  return readMediaPlaylist(decodePlaylist(body));
}

/**
 * Reads a playlist of either kind, which its tags tell. A text with tags of both is none (rfc8216bis §4.1).
 *
 * @throws PlaylistError and nothing else.
 */
export function parsePlaylist(
  body: Uint8Array | string,
): (MediaPlaylist & { readonly kind: 'media' }) | MultivariantPlaylist {
  const text = decodePlaylist(body);
  if (isMultivariant(text)) return readMultivariantPlaylist(text);
  return { kind: 'media', ...readMediaPlaylist(text) };
}

function readMediaPlaylist(text: string): MediaPlaylist {
  const reader = new MediaPlaylistReader(text);
  forEachLine(text, (start, end, line) => reader.read(start, end, line));
  return reader.finish();
}

/** Takes the lines one by one; what it has read of the coming segment waits in `pending…`. */
class MediaPlaylistReader {
  readonly #segments: Writable<MediaPlaylistSegment>[] = [];
  #targetDuration: number | undefined;
  #mediaSequence: { readonly value: number; readonly line: number } | undefined;
  #discontinuitySequence = 0;
  #endList = false;
  readonly #head = new Map<string, string>();
  readonly #dateTimes = new DateTimeReader(DATE_TIME);
  /** Absent until there is one. */
  #variables: Variables | undefined;
  #extinf = '';
  #duration: Seconds = seconds(0);
  #title: string | undefined;
  #tagCount = 0;

  #pendingDuration: Seconds | undefined;
  #pendingTitle: string | undefined;
  #pendingDurationLine = 0;
  #pendingDiscontinuity = false;
  #pendingGap = false;
  #pendingDateTime: EpochMs | undefined;
  #pendingTags: string[] | undefined;

  constructor(private readonly text: string) {}

  read(start: number, end: number, line: number): void {
    const { text } = this;
    if (text.charCodeAt(start) !== HASH) {
      this.#readUri(this.#written(text.slice(start, end), line), line);
      return;
    }
    if (text.charCodeAt(start + 4) === CAPITAL_I && standsAt(text, EXTINF, start)) {
      this.#readDuration(start, end, line);
      return;
    }
    if (text.charCodeAt(start + 7) === CAPITAL_P && this.#readDateTime(start, end)) return;
    const own = text.slice(start, end);
    if (own.startsWith('#EXT')) this.#readTag(this.#written(own, line), line);
    else this.#keep(own, line);
  }

  finish(): MediaPlaylist {
    if (this.#pendingDuration !== undefined) throw uriMissing(this.#pendingDurationLine);
    const mediaSequence = this.#mediaSequence?.value ?? 0;
    if (mediaSequence > Number.MAX_SAFE_INTEGER - this.#segments.length + 1) {
      throw sequenceTooHigh(this.#mediaSequence?.line ?? 1);
    }
    // The tag may stand behind the first segments, so numbers are made whole last.
    for (const segment of this.#segments) segment.sequence += mediaSequence;
    const playlist: Writable<MediaPlaylist> = {
      mediaSequence,
      discontinuitySequence: this.#discontinuitySequence,
      endList: this.#endList,
      segments: this.#segments,
    };
    if (this.#targetDuration !== undefined) playlist.targetDuration = this.#targetDuration;
    if (this.#head.size > 0) playlist.head = [...this.#head.values()];
    return playlist;
  }

  #written(text: string, line: number): string {
    return this.#variables === undefined ? text : this.#variables.writeIn(text, line);
  }

  #readTag(text: string, line: number): void {
    const colon = text.indexOf(':');
    const name = colon === -1 ? text : text.slice(0, colon);
    const value = text.slice(name.length + 1);
    switch (name) {
      case '#EXTINF':
        throw badDuration(line);
      case '#EXT-X-PROGRAM-DATE-TIME':
        this.#pendingDateTime = undefined;
        return;
      case '#EXT-X-DISCONTINUITY':
        this.#pendingDiscontinuity = true;
        return;
      case '#EXT-X-GAP':
        this.#pendingGap = true;
        return;
      case '#EXT-X-TARGETDURATION':
        this.#targetDuration = targetDurationOf(value);
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
      case INDEPENDENT_SEGMENTS:
      case I_FRAMES_ONLY:
        this.#head.set(name, name);
        return;
      case START:
        this.#readStart(value);
        return;
      case '#EXT-X-DEFINE':
        this.#variables ??= new Variables();
        this.#variables.define(value, line);
        return;
      case '#EXT-X-STREAM-INF':
      case '#EXT-X-I-FRAME-STREAM-INF':
      case '#EXT-X-MEDIA':
        throw mediaPlaylistWanted(line);
      default:
        if (!OF_THE_PLAYLIST.has(name)) this.#keep(text, line);
    }
  }

  /** False where the line is another. */
  #readDateTime(start: number, end: number): boolean {
    const moment = this.#dateTimes.again(this.text, start, end);
    if (moment === undefined && !standsAt(this.text, DATE_TIME, start)) return false;
    this.#pendingDateTime = moment ?? this.#dateTimes.read(this.text, start, end);
    return true;
  }

  #readDuration(start: number, end: number, line: number): void {
    if (this.#pendingDuration !== undefined) throw uriMissing(this.#pendingDurationLine);
    // Most segments last as long as the one before.
    const extinf = this.text.slice(start, end);
    if (extinf !== this.#extinf) {
      const comma = extinf.indexOf(',');
      const duration = decimalIn(extinf, EXTINF.length, comma === -1 ? extinf.length : comma);
      if (!(duration <= MAX_EXTINF)) throw badDuration(line);
      this.#extinf = extinf;
      this.#duration = seconds(duration);
      this.#title = comma === -1 ? undefined : titleOf(extinf.slice(comma + 1));
    }
    this.#pendingDuration = this.#duration;
    this.#pendingTitle = this.#title;
    this.#pendingDurationLine = line;
  }

  /** The first counts (rfc8216bis §4.4.2). */
  #readStart(value: string): void {
    const start = startLine(value);
    if (start !== undefined && !this.#head.has(START)) this.#head.set(START, start);
  }

  #keep(text: string, line: number): void {
    if (++this.#tagCount > MAX_TAGS) throw tooManyTags(line);
    this.#pendingTags ??= [];
    this.#pendingTags.push(detached(text));
  }

  #readUri(uri: string, line: number): void {
    if (this.#pendingDuration === undefined) throw durationMissing(line);
    if (this.#segments.length === MAX_SEGMENTS) throw tooManySegments(line);
    const segment: Writable<MediaPlaylistSegment> = {
      line,
      sequence: this.#segments.length,
      uri: detached(uri),
      duration: this.#pendingDuration,
      discontinuity: this.#pendingDiscontinuity,
      gap: this.#pendingGap,
      tags: this.#pendingTags ?? NO_TAGS,
    };
    if (this.#pendingTitle !== undefined) segment.title = this.#pendingTitle;
    if (this.#pendingDateTime !== undefined) segment.programDateTime = this.#pendingDateTime;
    this.#segments.push(segment);
    this.#pendingDuration = undefined;
    this.#pendingTitle = undefined;
    this.#pendingDiscontinuity = false;
    this.#pendingGap = false;
    this.#pendingDateTime = undefined;
    this.#pendingTags = undefined;
  }
}

/** While it is made; a segment's number is still counted from the list's first. */
type Writable<T> = { -readonly [K in keyof T]: T[K] };

const HASH = 0x23;
const CAPITAL_I = 0x49;
const CAPITAL_P = 0x50;
const EXTINF = '#EXTINF:';
const DATE_TIME = '#EXT-X-PROGRAM-DATE-TIME:';
const NO_TAGS: readonly string[] = [];

/** Tags that speak of the whole playlist, not of the segment they happen to stand before. */
const OF_THE_PLAYLIST: ReadonlySet<string> = new Set([
  '#EXTM3U',
  '#EXT-X-VERSION',
  '#EXT-X-PLAYLIST-TYPE',
  '#EXT-X-ALLOW-CACHE',
  '#EXT-X-PART-INF',
  '#EXT-X-SERVER-CONTROL',
]);

const INTEGER = /^\d+$/;

/** A decoration: one that cannot be passed on is left out. */
const titleOf = (text: string): string | undefined =>
  text === '' || text.length > MAX_TITLE || CONTROL.test(text) ? undefined : detached(text);

function targetDurationOf(value: string): number | undefined {
  const rounded = Math.round(decimalIn(value, 0, value.length));
  return rounded > 0 && Number.isSafeInteger(rounded) ? rounded : undefined;
}

function sequenceOf(value: string, line: number): number {
  if (!INTEGER.test(value)) throw badSequence(line);
  const sequence = Number(value);
  if (!Number.isSafeInteger(sequence)) throw sequenceTooHigh(line);
  return sequence;
}

const bad = (line: number, what: string) => new PlaylistError('bad_playlist', line, what);

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
const tooManySegments = (line: number) =>
  new PlaylistError(
    'too_many_segments',
    line,
    `this is one segment too many; list at most ${MAX_SEGMENTS} (with ffmpeg: -hls_list_size)`,
  );
