/**
 * A media playlist as the prober reads it: on its own, not with `src/hls`, so that a mistake there is seen here.
 * It reads whatever comes and judges nothing; what is unreadable is NaN or absent.
 */
export type ProbedPlaylist = {
  readonly text: string;
  readonly lines: readonly string[];
  /** 1 when not declared (RFC 8216 §4.3.1.2). */
  readonly version: number;
  readonly targetDuration: number;
  readonly mediaSequence: number;
  readonly discontinuitySequence: number;
  /** Tags of the playlist as a whole that no update may change (RFC 8216 §6.2.1). */
  readonly lasting: readonly string[];
  readonly segments: readonly ProbedSegment[];
  /** An EXTINF at the end has no URI. */
  readonly unfinished: boolean;
};

export type ProbedSegment = {
  readonly sequence: number;
  readonly uri: string;
  readonly duration: number;
  readonly extinf: string | undefined;
  readonly dateTime: string | undefined;
  readonly discontinuity: boolean;
  /** As hls.js counts: the playlist's number and all tags up to and with this segment. */
  readonly discontinuitySequence: number;
  readonly gap: boolean;
  /** The EXT-X-MAP and the EXT-X-KEYs that apply to it. */
  readonly map: string | undefined;
  readonly keys: readonly string[];
  /** All that says what the segment is, but EXT-X-DISCONTINUITY: its own lines, and the KEY and MAP that apply to it. */
  readonly identity: string;
};

/** Tags whose values move, or that say nothing of media: no part of `lasting`. */
const MOVING = new Set([
  '#EXTM3U',
  '#EXT-X-VERSION',
  '#EXT-X-TARGETDURATION',
  '#EXT-X-MEDIA-SEQUENCE',
  '#EXT-X-DISCONTINUITY-SEQUENCE',
  '#EXT-X-ENDLIST',
]);
const LASTING = new Set([
  '#EXT-X-PLAYLIST-TYPE',
  '#EXT-X-INDEPENDENT-SEGMENTS',
  '#EXT-X-START',
  '#EXT-X-I-FRAMES-ONLY',
  '#EXT-X-PART-INF',
  '#EXT-X-SERVER-CONTROL',
  '#EXT-X-DEFINE',
  '#EXT-X-ALLOW-CACHE',
]);

export const tagName = (line: string): string => line.split(':', 1)[0] ?? '';
export const tagValue = (line: string): string => line.slice(tagName(line).length + 1);

const firstValue = (lines: readonly string[], name: string): string | undefined => {
  const line = lines.find((one) => tagName(one) === name);
  return line === undefined ? undefined : tagValue(line);
};

const numberOf = (text: string | undefined): number =>
  text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;

export function readPlaylist(text: string): ProbedPlaylist {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  const mediaSequence = numberOf(firstValue(lines, '#EXT-X-MEDIA-SEQUENCE') ?? '0');
  const discontinuitySequence = numberOf(firstValue(lines, '#EXT-X-DISCONTINUITY-SEQUENCE') ?? '0');
  const segments: ProbedSegment[] = [];
  const scope = new Scope();
  let discontinuities = discontinuitySequence;
  let own: string[] = [];
  for (const line of lines) {
    const name = tagName(line);
    if (line === '' || MOVING.has(name) || LASTING.has(name)) continue;
    if (scope.takes(line)) continue;
    if (line.startsWith('#')) {
      own.push(line);
      continue;
    }
    const discontinuity = own.includes('#EXT-X-DISCONTINUITY');
    if (discontinuity) discontinuities++;
    const extinf = firstValue(own, '#EXTINF');
    segments.push({
      sequence: mediaSequence + segments.length,
      uri: line,
      duration: numberOf(extinf?.split(',', 1)[0]),
      extinf,
      dateTime: firstValue(own, '#EXT-X-PROGRAM-DATE-TIME'),
      discontinuity,
      discontinuitySequence: discontinuities,
      gap: own.includes('#EXT-X-GAP'),
      map: scope.map,
      keys: scope.keys,
      identity: [...own.filter((one) => one !== '#EXT-X-DISCONTINUITY'), ...scope.lines, line].join('\n'),
    });
    own = [];
  }
  return {
    text,
    lines,
    version: numberOf(firstValue(lines, '#EXT-X-VERSION') ?? '1'),
    targetDuration: numberOf(firstValue(lines, '#EXT-X-TARGETDURATION')),
    mediaSequence,
    discontinuitySequence,
    lasting: lines.filter((line) => LASTING.has(tagName(line))).sort(),
    segments,
    unfinished: own.some((line) => tagName(line) === '#EXTINF'),
  };
}

/** MAP and KEY apply until the next one (RFC 8216 §4.3.2.4, §4.3.2.5), so a sliding list repeats them at its head. */
class Scope {
  #map: string | undefined;
  readonly #keys = new Map<string, string>();

  takes(line: string): boolean {
    const name = tagName(line);
    if (name === '#EXT-X-MAP') this.#map = line;
    else if (name === '#EXT-X-KEY') this.#takeKey(line);
    else return false;
    return true;
  }

  #takeKey(line: string): void {
    if (line.includes('METHOD=NONE')) this.#keys.clear();
    else this.#keys.set(/KEYFORMAT="([^"]*)"/.exec(line)?.[1] ?? 'identity', line);
  }

  get map(): string | undefined {
    return this.#map;
  }

  get keys(): readonly string[] {
    return [...this.#keys.values()].sort();
  }

  get lines(): readonly string[] {
    return [...(this.#map === undefined ? [] : [this.#map]), ...this.keys];
  }
}

/** In seconds. */
export const playlistDuration = (playlist: ProbedPlaylist): number =>
  playlist.segments.reduce((sum, segment) => sum + (segment.duration || 0), 0);

export type AttributeList = {
  readonly attributes: ReadonlyMap<string, { readonly value: string; readonly quoted: boolean }>;
  /** Why it is none (RFC 8216 §4.2). */
  readonly problem?: string;
};

/** Reads `A=1,B="two"`. */
export function readAttributes(text: string): AttributeList {
  const attributes = new Map<string, { value: string; quoted: boolean }>();
  const pattern = /([A-Z0-9-]+)=(?:"([^"\r\n]*)"|([^",\s]+))(,|$)/y;
  let at = 0;
  while (at < text.length) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return { attributes, problem: `no attribute at "${text.slice(at, at + 20)}"` };
    const [whole, name = '', quoted, plain = '', end] = match;
    if (attributes.has(name)) return { attributes, problem: `${name} stands twice` };
    attributes.set(name, { value: quoted ?? plain, quoted: quoted !== undefined });
    at += whole.length;
    if (end === ',' && at === text.length) return { attributes, problem: 'it ends with a comma' };
  }
  return { attributes };
}
