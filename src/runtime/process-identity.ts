import { readFile, readlink } from 'node:fs/promises';
import { kill, pid } from 'node:process';

/** What tells a process from every other one, also from one that got its number later. Unknown parts are `0`. */
export type ProcessIdentity = {
  readonly pid: number;
  /** Clock ticks from the start of the system to the start of the process: /proc/PID/stat, field 22. */
  readonly startedAt: string;
  /** The namespace its number counts in: two containers may both have a process 1. */
  readonly namespace: string;
  /** Which start of the system, in hexadecimal digits. */
  readonly boot: string;
};

/** This process. Where there is no /proc only its number is known. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const [startedAt, namespace, boot] = await Promise.all([
    startOf(pid),
    readlink('/proc/self/ns/pid').catch(() => ''),
    readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => ''),
  ]);
  return {
    pid,
    startedAt: startedAt ?? '0',
    namespace: /\d+/.exec(namespace)?.[0] ?? '0',
    boot: boot.replace(/[^0-9a-f]/g, '') || '0',
  };
}

/**
 * Whether a process is alive, as far as its number can tell: `unknown` for one in another namespace. `own` is this
 * process, which looks.
 */
export async function isAlive(
  other: ProcessIdentity,
  own: ProcessIdentity,
): Promise<'alive' | 'dead' | 'unknown'> {
  if (own.boot === '0' || own.startedAt === '0') return answersSignal(other.pid) ? 'alive' : 'dead';
  if (other.boot !== own.boot) return 'dead';
  if (other.namespace !== own.namespace) return 'unknown';
  return (await startOf(other.pid)) === other.startedAt ? 'alive' : 'dead';
}

/** When a live process started, or `undefined`. A zombie holds no file any more and does not count. */
async function startOf(processId: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${processId}/stat`, 'latin1').catch(() => undefined);
  // The second field is the name in parentheses, which may hold anything; the third is the state.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

function answersSignal(processId: number): boolean {
  try {
    kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
