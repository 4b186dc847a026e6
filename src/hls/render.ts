import type { Carried } from '../media/carried.ts';
import type { SegmentRecord } from '../media/segment-record.ts';
import type { Seconds } from '../media/units.ts';
import { bitrateLines } from './bitrate.ts';
import { DateTimeWriter } from './date-time.ts';
import { I_FRAMES_ONLY, sharedHead, startOf } from './head-lines.ts';

/** Where bytes are, relative to the playlist. */
export type MediaUrls = {
  segment(record: SegmentRecord): string;
  /** Of what that segment carries. */
  carried(carried: Carried, record: SegmentRecord): string;
};

/**
 * A live media playlist (RFC 8216 §4.3.3): a pure function of its records, so every node prints the same bytes.
 * It is open at its end and slides, so it has neither EXT-X-PLAYLIST-TYPE nor EXT-X-ENDLIST (§6.2.2). It claims
 * independent segments, or pictures alone, where the encoder did so of every one it lists.
 *
 * @param list what it lists, in order and without a hole; at least one, as players give up on an empty list
 */
export function renderMediaPlaylist(list: readonly SegmentRecord[], urls: MediaUrls): string {
  const first = list[0];
  const last = list.at(-1);
  if (first === undefined || last === undefined) {
    throw new TypeError('a live playlist lists at least one segment');
  }
  const writer = new SegmentWriter(urls);
  const shared = sharedHead(list);
  let text = `#EXTM3U
#EXT-X-VERSION:${minimumVersion(list, shared.includes(I_FRAMES_ONLY))}
#EXT-X-TARGETDURATION:${last.targetDuration}
#EXT-X-MEDIA-SEQUENCE:${first.sequence}
#EXT-X-DISCONTINUITY-SEQUENCE:${discontinuitiesBefore(first)}
${lines(shared)}`;
  const start = startOf(last);
  if (start !== undefined) text += `${start}\n`;
  for (const record of list) text += writer.write(record, record.discontinuity);
  return text;
}

/** What a recording's playlist has besides its segments. */
export type RecordingHead = {
  /** Seconds into the first segment at which the recording begins. */
  readonly startOffset: Seconds;
  readonly targetDuration: number;
  /** Lines that are true of all its segments (`sharedHead`). Where its encoder said to begin is not where it begins. */
  readonly shared: readonly string[];
};

/**
 * The head of a recording's playlist. It is an EVENT from its beginning to its end (RFC 8216 §4.3.3.5: nothing but
 * appending), and says where to begin, as players begin an open list at its end otherwise (§4.3.5.2). The version
 * does not change when a gap comes, so it is the one that EXT-X-GAP asks for.
 */
export const renderRecordingHead = ({
  startOffset,
  targetDuration,
  shared,
}: RecordingHead): string => `#EXTM3U
#EXT-X-VERSION:8
#EXT-X-TARGETDURATION:${targetDuration}
#EXT-X-PLAYLIST-TYPE:EVENT
#EXT-X-START:TIME-OFFSET=${startOffset.toFixed(3)},PRECISE=YES
#EXT-X-MEDIA-SEQUENCE:0
${lines(shared)}`;

/** Nothing comes any more (RFC 8216 §4.3.3.4). */
export const RECORDING_END = '#EXT-X-ENDLIST\n';

/** Writes the entries of one playlist, and knows which EXT-X-MAP, EXT-X-KEYs, EXT-X-BITRATE and date ranges are in force. */
export class SegmentWriter {
  #map: string | undefined;
  #keys: readonly string[] = [];
  #ranges: ReadonlySet<string> = new Set();
  #bitrate: string | undefined;
  readonly #dateTimes = new DateTimeWriter('#EXT-X-PROGRAM-DATE-TIME:');
  #duration: Seconds | undefined;
  #extinf = '';

  constructor(private readonly urls: MediaUrls) {}

  /** The lines of the next segment. `breaks`: it does not follow what stands before it. */
  write(record: SegmentRecord, breaks: boolean): string {
    let text = breaks ? '#EXT-X-DISCONTINUITY\n' : '';
    if (record.gap === undefined) text += this.#needs(record);
    text += this.#dateRanges(record.ranges ?? NO_LINES);
    if (record.tags !== undefined || this.#bitrate !== undefined) text += this.#tags(record);
    text += this.#dateTimes.write(record.at);
    if (record.gap !== undefined) text += '\n#EXT-X-GAP';
    return `${text}${this.#extinfOf(record)}${this.urls.segment(record)}\n`;
  }

  /** With the end of the line before it. Most segments last as long as the one before. */
  #extinfOf({ duration, title }: SegmentRecord): string {
    if (title !== undefined) return `\n#EXTINF:${renderDuration(duration)},${title}\n`;
    if (duration !== this.#duration) {
      this.#duration = duration;
      this.#extinf = `\n#EXTINF:${renderDuration(duration)},\n`;
    }
    return this.#extinf;
  }

  /** The lines that must be in force for a segment and are not: an init section's keys, it, the segment's keys. */
  #needs(record: SegmentRecord): string {
    const { map, keys = NO_LINES, carries = NO_CARRIED } = record;
    if (map === undefined && keys.length === 0 && this.#keys.length === 0) return '';
    const named = (line: string) =>
      line.replace(
        PLACEHOLDER,
        (_, at: string) => `URI="${this.urls.carried(carries[Number(at)]!, record)}"`,
      );
    let text = '';
    if (map !== undefined) {
      const mapKeys = (map.keys ?? NO_LINES).map(named);
      const wanted = named(map.line);
      // The same init section under other keys is another one.
      const known = [...mapKeys, wanted].join('\n');
      if (known !== this.#map) text += `${this.#switchTo(mapKeys)}${wanted}\n`;
      this.#map = known;
    }
    return text + this.#switchTo(keys.map(named));
  }

  /** RFC 8216 §4.3.2.4: a key is in force until another with its KEYFORMAT, or METHOD=NONE. */
  #switchTo(keys: readonly string[]): string {
    const before = this.#keys;
    this.#keys = keys;
    if (keys.length === before.length && keys.every((key, at) => key === before[at])) return '';
    const stays = before.some((old) => !keys.some((key) => keyFormat(key) === keyFormat(old)));
    return (stays ? '#EXT-X-KEY:METHOD=NONE\n' : '') + lines(keys);
  }

  #tags(record: SegmentRecord): string {
    const { lines: all, inForce } = bitrateLines(record, this.#bitrate);
    this.#bitrate = inForce;
    return lines(all);
  }

  #dateRanges(ranges: readonly string[]): string {
    if (ranges.length === 0 && this.#ranges.size === 0) return '';
    const fresh = ranges.filter((range) => !this.#ranges.has(range));
    this.#ranges = new Set(ranges);
    return lines(fresh);
  }
}

const NO_LINES: readonly string[] = [];
const NO_CARRIED: readonly Carried[] = [];
const PLACEHOLDER = /URI="\{(\d)\}"/;
const keyFormat = (line: string): string => /KEYFORMAT="([^"]*)"/.exec(line)?.[1] ?? 'identity';
const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');

/** No higher than needed (RFC 8216 §7, rfc8216bis §6.2.1 and §8). */
function minimumVersion(list: readonly SegmentRecord[], iFramesOnly: boolean): number {
  let version = iFramesOnly ? 4 : 3;
  for (const { gap, map, keys } of list) {
    if (gap !== undefined) return 8;
    if (map !== undefined) version = Math.max(version, iFramesOnly ? 5 : 6);
    if (keys?.some((key) => /SAMPLE-AES|KEYFORMAT/.test(key))) version = Math.max(version, 5);
  }
  return version;
}

/** The tags that have left the list: a record counts its own, the playlist's number does not (RFC 8216 §4.3.3.3). */
const discontinuitiesBefore = (first: SegmentRecord): number =>
  first.discontinuitySequence - (first.discontinuity ? 1 : 0);

const MICRO = 1e6;

/** Seconds with microseconds. Never such that it rounds above the target duration when the duration itself does not. */
export function renderDuration(duration: Seconds): string {
  const text = duration.toFixed(6);
  const roundsUp = Math.round(Number(text)) > Math.round(duration);
  return roundsUp ? (Math.floor(duration * MICRO) / MICRO).toFixed(6) : text;
}
