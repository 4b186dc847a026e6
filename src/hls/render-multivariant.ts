import { type Attribute, parseAttributes, renderAttributes, withUri } from './attributes.ts';
import type { MultivariantEntry, MultivariantPlaylist } from './multivariant-playlist.ts';
import { readMultivariantPlaylist } from './parse-multivariant.ts';

/**
 * A multivariant playlist with other URIs: every line in its place.
 *
 * @param uriOf the URI to write for a media playlist's as it was read; without `"`, white space and control characters
 */
export function renderMultivariant(
  { entries }: Pick<MultivariantPlaylist, 'entries'>,
  uriOf: (uri: string) => string,
): string {
  let text = '#EXTM3U\n';
  for (const { kind, tag, uri } of entries) {
    if (uri === undefined) text += `${tag}\n`;
    else if (kind === 'variant') text += `${tag}\n${uriOf(uri)}\n`;
    else text += `${withUri(tag, uriOf(uri))}\n`;
  }
  return text;
}

/** The URIs of media playlists that a rendered multivariant playlist names, each once, in their order. */
export const multivariantRenditions = (text: string): readonly string[] => [
  ...new Set(readMultivariantPlaylist(text).entries.flatMap(({ uri }) => uri ?? [])),
];

/**
 * A rendered multivariant playlist with only those variants, renditions and I-frame streams whose media playlist there
 * is. A group in which nothing is left is no more named by its variants (rfc8216bis §4.4.6.2: a group that is named
 * exists). Undefined when no variant is left.
 *
 * @param has whether there is the media playlist of that URI
 */
export function withOnly(text: string, has: (uri: string) => boolean): string | undefined {
  const entries = readMultivariantPlaylist(text).entries.filter(({ uri }) => uri === undefined || has(uri));
  if (!entries.some(({ kind }) => kind === 'variant')) return undefined;
  const groups = new Set(entries.map(groupOf));
  const named = entries.map((entry) => ({ ...entry, tag: naming(entry, groups) }));
  return renderMultivariant({ entries: named }, (uri) => uri);
}

/** Attributes of a variant that name a group of that TYPE. */
const NAMING = ['AUDIO', 'VIDEO', 'SUBTITLES', 'CLOSED-CAPTIONS'];

/** `TYPE GROUP-ID` of a rendition. */
function groupOf({ kind, tag }: MultivariantEntry): string | undefined {
  if (kind !== 'rendition') return undefined;
  const attributes = attributesOf(tag);
  return `${attributes.get('TYPE')?.value} ${attributes.get('GROUP-ID')?.value}`;
}

/** The tag of a variant without the groups that there are not. CLOSED-CAPTIONS=NONE names none. */
function naming({ kind, tag }: MultivariantEntry, groups: ReadonlySet<string | undefined>): string {
  if (kind !== 'variant' && kind !== 'i-frames') return tag;
  const attributes = attributesOf(tag);
  const kept = [...attributes].filter(
    ([name, { value, quoted }]) => !NAMING.includes(name) || !quoted || groups.has(`${name} ${value}`),
  );
  if (kept.length === attributes.size) return tag;
  return `${tag.slice(0, tag.indexOf(':'))}:${renderAttributes(new Map(kept))}`;
}

const attributesOf = (tag: string): ReadonlyMap<string, Attribute> =>
  parseAttributes(tag.slice(tag.indexOf(':') + 1)) ?? new Map();
