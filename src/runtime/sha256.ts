import { createHash } from 'node:crypto';

/** SHA-256 as base64url without padding: 43 characters. */
export const sha256 = (content: Uint8Array): string =>
  createHash('sha256').update(content).digest('base64url');
