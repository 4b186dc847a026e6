import { setImmediate } from 'node:timers/promises';

const PACKETS_AT_ONCE = 24;

/**
 * Lets what else the process serves have its turn every few packets. mediabunny answers from memory and so never waits
 * for anything; without this a segment would be read and written in one go, 20 ms for 2 MB.
 */
export function breather(): () => Promise<void> | undefined {
  let packets = 0;
  return () => (++packets % PACKETS_AT_ONCE === 0 ? setImmediate() : undefined);
}
