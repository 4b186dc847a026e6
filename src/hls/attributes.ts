/** One `NAME=value` of an attribute list (RFC 8216 §4.2); `value` without its quotes. */
export type Attribute = { readonly value: string; readonly quoted: boolean };

const ATTRIBUTE = /\s*([A-Za-z0-9-]+)\s*=\s*(?:"([^"]*)"|([^",\s][^",]*))\s*(?:,|$)/y;

/**
 * Reads the attribute list behind a tag's colon. The first of two with one name counts (RFC 8216 §4.2 has no second).
 * Undefined where the text is no attribute list.
 */
export function parseAttributes(text: string): ReadonlyMap<string, Attribute> | undefined {
  const attributes = new Map<string, Attribute>();
  ATTRIBUTE.lastIndex = 0;
  for (let at = 0; at < text.length; at = ATTRIBUTE.lastIndex) {
    const match = ATTRIBUTE.exec(text);
    if (match === null) return undefined;
    const [, name, quoted, plain] = match;
    if (!attributes.has(name!)) {
      attributes.set(name!, { value: quoted ?? plain!.trim(), quoted: quoted !== undefined });
    }
  }
  return attributes;
}

/** The list with `{}` for its URI, which others write in (`withUri`). */
export const withoutUri = (attributes: ReadonlyMap<string, Attribute>): ReadonlyMap<string, Attribute> =>
  new Map(attributes).set('URI', { value: '{}', quoted: true });

/** A tag as `withoutUri` leaves it, with a URI. */
export const withUri = (tag: string, uri: string): string => tag.replace(NO_URI, () => `URI="${uri}"`);

/** The attribute itself, not one whose name ends so. */
const NO_URI = /(?<=[:,])URI="\{\}"/;

/** The list as text, in the order of its names. */
export const renderAttributes = (attributes: ReadonlyMap<string, Attribute>): string =>
  [...attributes]
    .map(([name, { value, quoted }]) => (quoted ? `${name}="${value}"` : `${name}=${value}`))
    .join(',');
