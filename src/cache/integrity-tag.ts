import { createHash } from 'node:crypto';

/** What a stored value begins with. */
export const TAG_BYTES = 16;

/**
 * The first 16 bytes of SHA-256 over the key and the value. It finds bytes that were damaged, cut, written by
 * somebody else, or stored under another key. It is no signature: who can write to the server can make one.
 */
export const integrityTag = (key: string, value: Buffer): Buffer =>
  createHash('sha256').update(key).update(value).digest().subarray(0, TAG_BYTES);

/** The value behind the tag, without a copy, or undefined when they do not belong together. */
export function openTagged(key: string, stored: Buffer): Buffer | undefined {
  if (stored.length < TAG_BYTES) return undefined;
  const value = stored.subarray(TAG_BYTES);
  return integrityTag(key, value).equals(stored.subarray(0, TAG_BYTES)) ? value : undefined;
}
