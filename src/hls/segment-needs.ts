import { epochMs } from '../media/units.ts';
import { parseAttributes, renderAttributes, withoutUri } from './attributes.ts';
import { isBitrate } from './bitrate.ts';
import { type DateRange, inForce, parseDateRange } from './date-ranges.ts';
import { I_FRAMES_ONLY } from './head-lines.ts';
import { lengthOf, MAX_PASSED, MAX_RANGES, newestThatFit, type SaidRanges } from './lasting-ranges.ts';
import type { MediaPlaylist, MediaPlaylistSegment } from './media-playlist.ts';
import { PlaylistError } from './playlist-error.ts';
import { CONTROL, HAS_SCHEME } from './playlist-lines.ts';

/** A part of a resource (RFC 8216 §4.3.2.2), in bytes. */
export type ByteRange = { readonly offset: number; readonly length: number };

/** What a line names that a player must fetch. */
export type Needed = {
  /** The line to write; `{}` where the URI of what is fetched stands. */
  readonly line: string;
  /** As the playlist has it. */
  readonly uri: string;
  /** The URI is a key server's, a DRM's, or the key itself (`data:`): it stays as it is, nothing is fetched for it. */
  readonly passes?: true;
  readonly range?: ByteRange;
};

/** An EXT-X-MAP with the keys in force where it stands. */
export type NeededMap = Needed & { readonly keys: readonly Needed[] };

/** An entry of a playlist with all that the lines before it, near and far, mean for it. */
export type NeedingSegment = MediaPlaylistSegment &
  SaidRanges & {
    /** The EXT-X-BITRATE that covers it, and the lines that are its own, as they stand. */
    readonly tags: readonly string[];
    /** The part of the resource that the segment is. */
    readonly range?: ByteRange;
    readonly map?: NeededMap;
    /** The EXT-X-KEYs in force; absent: it is clear. */
    readonly keys?: readonly Needed[];
    /** Of its playlist. */
    readonly head?: readonly string[];
    /** Comments and unknown tags of its playlist's head, where they are known to be (`edge/ingest/head-of-list`). */
    readonly headOfList?: readonly string[];
  };

/** An init section before the first picture, in bytes; more is a list that has slid on in its resource. */
const MAX_AT_HEAD = 16_384;
/** Key systems in force at once (RFC 8216 §4.3.2.4: one EXT-X-KEY for each KEYFORMAT). */
const MAX_KEYS = 6;

const NO_RANGES: readonly DateRange[] = [];
const NOTHING_TOLD: ReadonlySet<string> = new Set();
const NO_TAGS: readonly string[] = [];
type Writable<T> = { -readonly [K in keyof T]: T[K] };

const NOT_PASSED: ReadonlySet<string> = new Set([
  '#EXT-X-PART',
  '#EXT-X-PRELOAD-HINT',
  '#EXT-X-RENDITION-REPORT',
  '#EXT-X-SKIP',
]);

/**
 * Resolves the tags that reach beyond the segment they stand before (EXT-X-MAP, EXT-X-KEY, EXT-X-BITRATE) or lean on
 * the one before it (EXT-X-BYTERANGE). Low-latency parts are left out; every other line stays with its segment.
 *
 * @throws PlaylistError
 */
export function withNeeds({
  segments,
  head,
}: Pick<MediaPlaylist, 'segments' | 'head'>): readonly NeedingSegment[] {
  if (head === undefined && segments.every(({ tags }) => tags.length === 0)) return segments;
  const reading = new NeedsReader(head);
  return segments.map((segment) => reading.read(segment));
}

/** An EXT-X-KEY in force; `leansOnNumber`: it has no IV, so it means the segment's number. */
type Key = Needed & { readonly format: string; readonly leansOnNumber: boolean };

/** Goes through a playlist and knows what the lines so far mean for the segment at hand. */
class NeedsReader {
  #map: (Omit<NeededMap, 'keys'> & { readonly keys: readonly Key[] }) | undefined;
  #keys: readonly Key[] = [];
  #bitrate: string | undefined;
  #ranges: readonly DateRange[] = [];
  /** Those that stand before the segment at hand, and their IDs. */
  #told: ReadonlySet<string> = NOTHING_TOLD;
  #toldIds: ReadonlySet<string> = NOTHING_TOLD;
  /** When the segment at hand begins, as its encoder counts. */
  #at: number | undefined;
  #before: { readonly uri: string; readonly end: number } | undefined;
  readonly #iFramesOnly: boolean;
  /** The init section of pictures in the resource at hand, before the first of them. */
  #atHead: { readonly uri: string; readonly map: Omit<NeededMap, 'keys'> | undefined } | undefined;

  constructor(private readonly head: readonly string[] | undefined) {
    this.#iFramesOnly = head?.includes(I_FRAMES_ONLY) ?? false;
  }

  read(segment: MediaPlaylistSegment): NeedingSegment {
    let tags: string[] | undefined;
    this.#told = NOTHING_TOLD;
    this.#toldIds = NOTHING_TOLD;
    let range: ByteRange | undefined;
    this.#at = segment.programDateTime ?? this.#at;
    for (const tag of segment.tags) {
      if (CONTROL.test(tag)) continue;
      const [name, value] = nameAndValue(tag);
      if (name === '#EXT-X-MAP') this.#map = { ...mapOf(value, segment.line), keys: this.#keys };
      else if (name === '#EXT-X-KEY') this.#keys = keysWith(this.#keys, value, segment.line);
      else if (name === '#EXT-X-BYTERANGE') range = rangeOf(value, segment.line, this.#behind(segment.uri));
      else if (isBitrate(tag)) this.#bitrate = tag;
      else if (!NOT_PASSED.has(name) && !this.#isDateRange(name, tag, segment.line)) {
        tags ??= [];
        tags.push(tag);
      }
    }
    if (this.#bitrate !== undefined && range === undefined) tags = [this.#bitrate, ...(tags ?? NO_TAGS)];
    const map = this.#map ?? this.#mapAtHead(segment.uri, range);
    this.#before = range && { uri: segment.uri, end: range.offset + range.length };
    const begins = this.#at;
    const ranges = this.#rangesOf(segment, tags ?? NO_TAGS);
    if (tags !== undefined || ranges.length > 0) refuseTooMuch(tags ?? NO_TAGS, ranges, segment.line);
    const needing: Writable<NeedingSegment> = { ...segment, tags: tags ?? NO_TAGS };
    if (range !== undefined) needing.range = range;
    if (map !== undefined) needing.map = { ...map, keys: withIvs(map.keys, segment.sequence) };
    if (this.#keys.length > 0) needing.keys = withIvs(this.#keys, segment.sequence);
    if (ranges.length > 0) {
      needing.ranges = ranges.map(({ line }) => line);
      if (this.#told.size > 0) needing.told = this.#told;
      if (begins !== undefined) needing.begins = epochMs(begins);
    }
    if (this.head !== undefined) needing.head = this.head;
    return needing;
  }

  /**
   * RFC 8216 §4.3.3.6: where pictures are parts of a resource and no EXT-X-MAP stands, the init section (of transport
   * streams PAT and PMT) is what stands before the first of them.
   */
  #mapAtHead(uri: string, range: ByteRange | undefined) {
    if (!this.#iFramesOnly || range === undefined) return undefined;
    if (this.#atHead?.uri !== uri) {
      const fits = range.offset > 0 && range.offset <= MAX_AT_HEAD;
      const line = '#EXT-X-MAP:URI="{}"';
      const map = fits ? { line, uri, range: { offset: 0, length: range.offset } } : undefined;
      this.#atHead = { uri, map };
    }
    return this.#atHead.map && { ...this.#atHead.map, keys: this.#keys };
  }

  #behind(uri: string): number | undefined {
    return this.#before?.uri === uri ? this.#before.end : undefined;
  }

  /** Those that are in force, and those of which it was just told: also that they are over. */
  #rangesOf(segment: MediaPlaylistSegment, tags: readonly string[]): readonly DateRange[] {
    if (this.#at === undefined) {
      if (this.#ranges.length > 0) this.#forgetOldRanges(tags);
      return this.#ranges;
    }
    const now = epochMs(this.#at);
    this.#at += segment.duration * 1000;
    if (this.#ranges.length === 0) return NO_RANGES;
    const lasting = inForce(this.#ranges, now);
    const told = this.#toldIds;
    const shown =
      told.size === 0 ? lasting : this.#ranges.filter((one) => told.has(one.id) || lasting.includes(one));
    this.#ranges = lasting;
    return shown;
  }

  /** Where no date-time says when segments are, none is known to be over: as many are kept as fit. */
  #forgetOldRanges(tags: readonly string[]): void {
    const isTold = ({ line }: DateRange) => this.#told.has(line);
    const lines = (ranges: readonly DateRange[]) => ranges.map(({ line }) => line);
    const told = lines(this.#ranges.filter(isTold));
    const others = lines(this.#ranges.filter((range) => !isTold(range)));
    const kept = new Set(newestThatFit(others, told, MAX_PASSED - lengthOf(tags)));
    this.#ranges = this.#ranges.filter(({ line }) => kept.has(line));
  }

  #isDateRange(name: string, tag: string, line: number): boolean {
    if (name !== '#EXT-X-DATERANGE') return false;
    const range = parseDateRange(tag);
    if (range === undefined) return false;
    if (!this.#ranges.some((one) => one.line === tag)) {
      this.#makeRoom(line);
      this.#ranges = [...this.#ranges, range];
      this.#told = new Set([...this.#told, tag]);
      this.#toldIds = new Set([...this.#toldIds, range.id]);
    }
    return true;
  }

  #makeRoom(line: number): void {
    if (this.#ranges.length < MAX_RANGES) return;
    const oldest = this.#at === undefined ? this.#ranges.findIndex((one) => !this.#told.has(one.line)) : -1;
    if (oldest === -1) throw tooManyTags(line);
    this.#ranges = this.#ranges.toSpliced(oldest, 1);
  }
}

function nameAndValue(tag: string): readonly [name: string, value: string] {
  const colon = tag.indexOf(':');
  return colon < 0 ? [tag, ''] : [tag.slice(0, colon), tag.slice(colon + 1)];
}

function mapOf(text: string, line: number): Omit<NeededMap, 'keys'> {
  const attributes = parseAttributes(text);
  const uri = attributes?.get('URI')?.value;
  if (attributes === undefined || uri === undefined || uri === '') throw badMap(line);
  const range = attributes.get('BYTERANGE');
  const rest = new Map(withoutUri(attributes));
  rest.delete('BYTERANGE');
  return {
    line: `#EXT-X-MAP:${renderAttributes(rest)}`,
    uri,
    ...(range !== undefined && { range: rangeOf(range.value, line, 0) }),
  };
}

/** The keys in force behind an EXT-X-KEY: it takes the place of the one with its KEYFORMAT. */
function keysWith(keys: readonly Key[], text: string, at: number): readonly Key[] {
  const attributes = parseAttributes(text);
  const method = attributes?.get('METHOD')?.value;
  if (attributes === undefined || method === undefined) throw badKey(at);
  if (method === 'NONE') return [];
  const uri = attributes.get('URI')?.value;
  if (uri === undefined || uri === '') throw badKey(at);
  const format = attributes.get('KEYFORMAT')?.value ?? IDENTITY;
  const kept = keys.filter((key) => key.format !== format);
  if (kept.length === MAX_KEYS) throw tooManyKeys(at);
  const counted = method === 'AES-128' || (method === 'SAMPLE-AES' && format === IDENTITY);
  const key = { format, leansOnNumber: counted && !attributes.has('IV') };
  const line = `#EXT-X-KEY:${renderAttributes(withoutUri(attributes))}`;
  return [...kept, { ...key, line, uri, ...(HAS_SCHEME.test(uri) && { passes: true }) }];
}

const IDENTITY = 'identity';

const withIvs = (keys: readonly Key[], sequence: number): readonly Needed[] =>
  keys.map((key) => withIv(key, sequence));

/**
 * A key without an IV means the segment's number in its encoder's list (RFC 8216 §5.2), which is not the number it has
 * here: it is written out.
 */
function withIv({ line, uri, passes, leansOnNumber }: Key, sequence: number): Needed {
  const iv = leansOnNumber ? `,IV=0x${sequence.toString(16).padStart(32, '0')}` : '';
  return { line: line + iv, uri, ...(passes && { passes }) };
}

/** `length[@offset]`. `behind`: where the range before it in the same resource ended. */
function rangeOf(text: string, line: number, behind: number | undefined): ByteRange {
  const match = /^(\d{1,15})(?:@(\d{1,15}))?$/.exec(text.trim());
  const offset = match?.[2] === undefined ? behind : Number(match[2]);
  if (match === null || offset === undefined || Number(match[1]) === 0) throw badRange(line);
  return { offset, length: Number(match[1]) };
}

function refuseTooMuch(tags: readonly string[], ranges: readonly DateRange[], line: number): void {
  if (lengthOf(tags) + lengthOf(ranges.map((range) => range.line)) > MAX_PASSED) throw tooManyTags(line);
}

const bad = (line: number, what: string) => new PlaylistError('bad_playlist', line, what);
const badMap = (line: number) =>
  bad(line, 'the EXT-X-MAP before this line names no init section; write URI="…"');
const badKey = (line: number) =>
  bad(line, 'the EXT-X-KEY before this line is none; write METHOD=…,URI="…", or METHOD=NONE');
const tooManyKeys = (line: number) =>
  bad(line, `more than ${MAX_KEYS} EXT-X-KEYs are in force here; write fewer`);
const badRange = (line: number) => bad(line, 'the byte range before this line is none; write LENGTH@OFFSET');
const tooManyTags = (line: number) =>
  bad(line, `the tags before this line are too long together; keep them under ${MAX_PASSED} characters`);
