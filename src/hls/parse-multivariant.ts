import { type Attribute, parseAttributes, renderAttributes, withoutUri } from './attributes.ts';
import type { MultivariantEntry, MultivariantPlaylist } from './multivariant-playlist.ts';
import { PlaylistError } from './playlist-error.ts';
import { CONTROL, detached, forEachLine, HAS_SCHEME } from './playlist-lines.ts';
import { SESSION_KEY } from './session-keys.ts';

/** Of EXT-X-STREAM-INF, EXT-X-MEDIA and EXT-X-I-FRAME-STREAM-INF together. */
export const MAX_RENDITIONS = 64;
/** Session keys beside the playlist; more are left out. */
const MAX_SESSION_KEYS = 16;
/** Other lines: session data, definitions, comments. */
export const MAX_OTHER_LINES = 1_024;

/** Whether a playlist's text has a tag that only multivariant playlists have, before it has a segment. */
export function isMultivariant(text: string): boolean {
  const firstSegment = text.indexOf('\n#EXTINF');
  return OF_VARIANTS.test(firstSegment === -1 ? text : text.slice(0, firstSegment));
}

const OF_VARIANTS = /\n#EXT-X-(?:STREAM-INF|MEDIA|I-FRAME-STREAM-INF)(?![A-Z-])/;

/**
 * Reads a multivariant playlist (RFC 8216 §4.3.4). Left out is what nobody could follow from where it is served:
 * EXT-X-CONTENT-STEERING, and EXT-X-SESSION-DATA whose URI is relative. A session key whose URI is relative has `{}`
 * there (`withSessionKeys`). Those with an absolute URI, and session data with a VALUE, stay as they are. A line
 * between an EXT-X-STREAM-INF and its URI comes to stand before both, a second EXT-X-VERSION is left out.
 *
 * @param text as `decodePlaylist` gives it
 * @throws PlaylistError and nothing else.
 */
export function readMultivariantPlaylist(text: string): MultivariantPlaylist {
  const reader = new MultivariantReader();
  forEachLine(text, (start, end, line) => reader.read(text.slice(start, end), line));
  return reader.finish();
}

class MultivariantReader {
  readonly #entries: MultivariantEntry[] = [];
  /** An EXT-X-STREAM-INF whose URI is still to come. */
  #pending: Omit<MultivariantEntry, 'uri'> | undefined;
  #renditions = 0;
  #firstRendition = 1;
  #others = 0;
  #hasVersion = false;
  #sessionKeys = 0;

  read(text: string, line: number): void {
    if (!text.startsWith('#')) {
      this.#readUri(text, line);
      return;
    }
    const colon = text.indexOf(':');
    const name = colon === -1 ? text : text.slice(0, colon);
    const list = colon === -1 ? '' : text.slice(colon + 1);
    if (OF_MEDIA_PLAYLISTS.has(name)) throw mixed(line);
    switch (name) {
      case '#EXT-X-STREAM-INF':
        this.#readVariant(list, line);
        break;
      case '#EXT-X-MEDIA':
        this.#readNaming('rendition', name, attributesWith(list, ['TYPE', 'GROUP-ID'], line), line);
        break;
      case '#EXT-X-I-FRAME-STREAM-INF':
        this.#readNaming('i-frames', name, attributesWith(list, ['BANDWIDTH', 'URI'], line), line);
        break;
      default:
        this.#readOther(name, list, text, line);
    }
  }

  finish(): MultivariantPlaylist {
    if (this.#pending !== undefined) throw uriMissing(this.#pending.line);
    if (!this.#entries.some(({ kind }) => kind === 'variant')) throw variantMissing(this.#firstRendition);
    return { kind: 'multivariant', entries: this.#entries };
  }

  #readVariant(list: string, line: number): void {
    if (this.#pending !== undefined) throw uriMissing(this.#pending.line);
    this.#count(line);
    const attributes = attributesWith(list, ['BANDWIDTH'], line);
    this.#pending = {
      line,
      kind: 'variant',
      tag: `#EXT-X-STREAM-INF:${renderAttributes(attributes)}`,
    };
  }

  #readUri(uri: string, line: number): void {
    if (this.#pending === undefined) throw streamInfMissing(line);
    this.#entries.push({ ...this.#pending, uri: playlistUri(uri, line) });
    this.#pending = undefined;
  }

  /** A tag that may name a media playlist in its URI attribute. */
  #readNaming(
    kind: 'rendition' | 'i-frames',
    name: string,
    attributes: ReadonlyMap<string, Attribute>,
    line: number,
  ): void {
    this.#count(line);
    const uri = attributes.get('URI')?.value;
    if (uri === undefined) {
      this.#entries.push({ line, kind, tag: `${name}:${renderAttributes(attributes)}` });
      return;
    }
    const tag = `${name}:${renderAttributes(withoutUri(attributes))}`;
    this.#entries.push({ line, kind, tag, uri: playlistUri(uri, line) });
  }

  #readOther(name: string, list: string, text: string, line: number): void {
    if (CONTROL.test(text) || name === '#EXTM3U' || name === '#EXT-X-CONTENT-STEERING') return;
    if (name === SESSION_KEY || name === '#EXT-X-SESSION-DATA') {
      const attributes = parseAttributes(list);
      if (attributes === undefined) return;
      const uri = attributes.get('URI')?.value;
      if (uri !== undefined && !HAS_SCHEME.test(uri)) {
        const keeps = name === SESSION_KEY && ++this.#sessionKeys <= MAX_SESSION_KEYS;
        if (keeps) this.#keep(`${name}:${renderAttributes(withoutUri(attributes))}`, line);
        return;
      }
    }
    if (name === '#EXT-X-VERSION') {
      if (this.#hasVersion) return;
      this.#hasVersion = true;
    }
    this.#keep(text, line);
  }

  #keep(text: string, line: number): void {
    if (++this.#others > MAX_OTHER_LINES) throw tooManyLines(line);
    this.#entries.push({ line, kind: 'other', tag: detached(text) });
  }

  #count(line: number): void {
    if (++this.#renditions > MAX_RENDITIONS) throw tooManyRenditions(line);
    if (this.#renditions === 1) this.#firstRendition = line;
  }
}

/** A variable of EXT-X-DEFINE (rfc8216bis §4.3). */
const VARIABLE = /\{\$/;

/** Tags that only media playlists have (rfc8216bis §4.4.3, §4.4.4, §4.4.5). */
const OF_MEDIA_PLAYLISTS: ReadonlySet<string> = new Set([
  '#EXTINF',
  '#EXT-X-TARGETDURATION',
  '#EXT-X-MEDIA-SEQUENCE',
  '#EXT-X-DISCONTINUITY-SEQUENCE',
  '#EXT-X-ENDLIST',
  '#EXT-X-PLAYLIST-TYPE',
  '#EXT-X-I-FRAMES-ONLY',
  '#EXT-X-PART-INF',
  '#EXT-X-SERVER-CONTROL',
  '#EXT-X-BYTERANGE',
  '#EXT-X-DISCONTINUITY',
  '#EXT-X-KEY',
  '#EXT-X-MAP',
  '#EXT-X-PROGRAM-DATE-TIME',
  '#EXT-X-GAP',
  '#EXT-X-BITRATE',
  '#EXT-X-PART',
  '#EXT-X-DATERANGE',
  '#EXT-X-SKIP',
  '#EXT-X-PRELOAD-HINT',
  '#EXT-X-RENDITION-REPORT',
]);

function attributesWith(
  list: string,
  wanted: readonly string[],
  line: number,
): ReadonlyMap<string, Attribute> {
  const attributes = CONTROL.test(list) ? undefined : parseAttributes(list);
  if (attributes === undefined) throw badAttributes(line);
  for (const name of wanted) if (!attributes.get(name)?.value) throw attributeMissing(name, line);
  return attributes;
}

function playlistUri(uri: string, line: number): string {
  if (uri === '' || CONTROL.test(uri)) throw badUri(line);
  if (VARIABLE.test(uri)) throw variableInUri(line);
  return detached(uri);
}

const bad = (line: number, what: string) => new PlaylistError('bad_playlist', line, what);

const mixed = (line: number) =>
  bad(line, 'this tag is one of media playlists, and a multivariant one has it; write two playlists');
const streamInfMissing = (line: number) =>
  bad(line, 'this URI has no EXT-X-STREAM-INF; write #EXT-X-STREAM-INF:BANDWIDTH=… before every variant');
const uriMissing = (line: number) =>
  bad(line, 'no URI follows this EXT-X-STREAM-INF; write that of the media playlist behind it');
const variantMissing = (line: number) =>
  bad(line, 'no variant is to be found beside this; write #EXT-X-STREAM-INF:BANDWIDTH=… and a URI');
const badAttributes = (line: number) =>
  bad(line, 'this is no list of attributes; write NAME=VALUE,NAME="TEXT"');
const attributeMissing = (name: string, line: number) =>
  bad(line, `this tag has no ${name}; write ${name}=…`);
const badUri = (line: number) => bad(line, 'this is no URI; write that of a media playlist');
const variableInUri = (line: number) =>
  bad(line, 'this URI has a variable of EXT-X-DEFINE; write the URI of the media playlist as it is');
const tooManyLines = (line: number) =>
  bad(line, `this is one line too many; keep those that are no rendition under ${MAX_OTHER_LINES}`);
const tooManyRenditions = (line: number) =>
  new PlaylistError(
    'too_many_renditions',
    line,
    `this is one variant or rendition too many; list at most ${MAX_RENDITIONS}`,
  );
