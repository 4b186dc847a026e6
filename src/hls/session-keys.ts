import { parseAttributes, withUri } from './attributes.ts';
import { HAS_SCHEME } from './playlist-lines.ts';

export const SESSION_KEY = '#EXT-X-SESSION-KEY';
const KEY = '#EXT-X-KEY';

/** Whether a multivariant playlist names session keys that lie beside it. */
export const namesOwnKeys = (text: string): boolean =>
  text.includes(SESSION_KEY) && text.split('\n').some((line) => ownKind(line) !== undefined);

/**
 * A multivariant playlist as it is served. A session key that lies beside it (`URI="{}"`) gets the URIs that keys of its
 * METHOD, KEYFORMAT and KEYFORMATVERSIONS have in the media playlists now, a line for each: a player that has read one
 * early knows it again by its URI (RFC 8216 §4.3.4.5). Where they have none it is left out, as is a second one of the kind.
 *
 * @param media texts of media playlists beside it; of each, the last key of a kind counts
 */
export function withSessionKeys(text: string, media: Iterable<string>): string {
  const keys = [...media].flatMap((one) => [...newestKeys(one)]);
  const told = new Set<string>();
  return text
    .split('\n')
    .flatMap((line) => {
      const kind = ownKind(line);
      if (kind === undefined) return [line];
      if (told.has(kind)) return [];
      told.add(kind);
      const uris = new Set(keys.filter(([of]) => of === kind).map(([, uri]) => uri));
      return [...uris].map((uri) => withUri(line, uri));
    })
    .join('\n');
}

/** The kind of a session key that lies beside its playlist; undefined of any other line. */
function ownKind(line: string): string | undefined {
  const key = keyOf(line, SESSION_KEY);
  return key?.uri === '{}' ? key.kind : undefined;
}

/** The URIs of the newest keys of a media playlist, by their kind. Those elsewhere are not its own. */
function newestKeys(media: string): ReadonlyMap<string, string> {
  const newest = new Map<string, string>();
  for (const line of media.split('\n')) {
    const key = keyOf(line, KEY);
    if (key?.uri !== undefined && !HAS_SCHEME.test(key.uri)) newest.set(key.kind, key.uri);
  }
  return newest;
}

/** What two keys must share to be one (RFC 8216 §4.3.4.5), but their URI, and that. */
function keyOf(line: string, tag: string): { readonly kind: string; readonly uri?: string } | undefined {
  if (!line.startsWith(`${tag}:`)) return undefined;
  const attributes = parseAttributes(line.slice(tag.length + 1));
  const of = (name: string) => attributes?.get(name)?.value;
  const uri = of('URI');
  const kind = `${of('METHOD')} ${of('KEYFORMAT') ?? 'identity'} ${of('KEYFORMATVERSIONS') ?? '1'}`;
  return { kind, ...(uri !== undefined && { uri }) };
}
