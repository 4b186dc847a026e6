import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/**
 * Tells one boot of the machine from another: a process that died leaves what it wrote in the page cache,
 * a machine that died may not. Where the system has none, every start counts as another boot.
 */
export async function bootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch {
    return randomUUID();
  }
}
