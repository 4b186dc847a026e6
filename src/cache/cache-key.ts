import { createHash } from 'node:crypto';

/**
 * The key of a segment, init section or encryption key: `lm:` and 43 base64url characters of a SHA-256.
 * The source is part of it, so a segment of one source is never found under another, and since no name stands
 * in it as it was written, nobody's input reaches a memcached command. `fileName` carries the digest of the
 * bytes (`segmentFileName`), so one key means the same bytes for ever.
 */
export function cacheKey(source: string, rendition: string, fileName: string): string {
  // Names have no slash in them (`NAME_PATTERN`), so no two triples are joined to the same text.
  return `lm:${createHash('sha256').update(`${source}/${rendition}/${fileName}`).digest('base64url')}`;
}

/** Whether a text is what `cacheKey` makes. */
export const isCacheKey = (text: string): boolean => /^lm:[A-Za-z0-9_-]{43}$/.test(text);
