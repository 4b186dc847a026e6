import { randomBytes } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * An open file with that text, which no folder lists any more: its descriptor is given to a child, which opens it as
 * `/dev/fd/N`. Nothing of it is left when both have ended, however. Throws what the system says.
 */
export function openSecretFile(text: string): number {
  const path = join(tmpdir(), `livemix-${randomBytes(12).toString('hex')}`);
  const file = openSync(path, 'wx+', 0o600);
  try {
    unlinkSync(path);
    // At a place of its own: where the child shares the file's position it must begin at 0.
    writeSync(file, text, 0);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}
