import { parseAttributes } from './attributes.ts';
import { HAS_SCHEME } from './playlist-lines.ts';

export const SESSION_KEY = '#EXT-X-SESSION-KEY';
/** One that lies beside its playlist. */
const OWN = /^#EXT-X-SESSION-KEY:(?:.*,)?URI="\{\}"/m;
const PLACEHOLDER = /(?<=[:,])URI="\{\}"/;

/** Whether a multivariant playlist names session keys that lie beside it. */
export const namesOwnKeys = (text: string): boolean => OWN.test(text);

/**
 * A multivariant playlist as it is served. A session key that lies beside it (`URI="{}"`) gets the URIs that keys of its
 * METHOD and KEYFORMAT have in the media playlists now, a line for each: a player that has read one early knows it
 * again by its URI (RFC 8216 §4.3.4.5). Where they have none it is left out.
 *
 * @param media texts of media playlists beside it; of each, the last key of a kind counts
 */
export function withSessionKeys(text: string, media: Iterable<string>): string {
  const keys = [...media].flatMap((one) => [...newestKeys(one)]);
  const told = new Set<string>();
  return text
    .split('\n')
    .flatMap((line) => {
      if (!OWN.test(line)) return [line];
      const uris = keys.filter(([kind]) => kind === kindOf(line)).map(([, uri]) => uri);
      const lines = uris.map((uri) => line.replace(PLACEHOLDER, () => `URI="${uri}"`));
      const fresh = [...new Set(lines)].filter((one) => !told.has(one));
      for (const one of fresh) told.add(one);
      return fresh;
    })
    .join('\n');
}

/** The URIs of the newest keys of a media playlist, by their kind. Those elsewhere are not its own. */
function newestKeys(media: string): ReadonlyMap<string, string> {
  const newest = new Map<string, string>();
  for (const [line] of media.matchAll(/^#EXT-X-KEY:.*$/gm)) {
    const uri = attributesOf(line)?.get('URI')?.value;
    if (uri !== undefined && !HAS_SCHEME.test(uri)) newest.set(kindOf(line), uri);
  }
  return newest;
}

function kindOf(line: string): string {
  const attributes = attributesOf(line);
  return `${attributes?.get('METHOD')?.value} ${attributes?.get('KEYFORMAT')?.value ?? 'identity'}`;
}

const attributesOf = (line: string) => parseAttributes(line.slice(line.indexOf(':') + 1));
