import { randomBytes } from 'node:crypto';

/** 16 lower-case letters and digits: 80 bits, easy to read out. */
export function newRecordingId(): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';
  return Array.from(randomBytes(16), (byte) => alphabet[byte % alphabet.length]).join('');
}
