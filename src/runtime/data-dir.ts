import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { showLife, showsLife } from './alive-socket.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts';
import { SettingsError } from './settings-error.ts';

/** A data folder that belongs to this process until it is released. */
export interface DataDir extends AsyncDisposable {
  /** Absolute. */
  readonly path: string;
  release(): Promise<void>;
}

/** Another live process, or this one, uses the folder. */
export class DataDirInUse extends SettingsError {
  constructor(
    readonly folder: string,
    readonly pid: number,
  ) {
    super(
      'LIVEMIX_DATA_DIR',
      `${folder} is in use by process ${pid}. Stop it or choose another folder with --data-dir.`,
    );
    this.name = 'DataDirInUse';
  }
}

const tries = 20;

/**
 * Makes the folder (mode 0700) where it is missing and takes it for this process, or throws `DataDirInUse`. What a
 * killed process left behind is cleared away, also when its number has gone to another.
 *
 * A starter first lays down its claim, then looks for the claims of others: of two, at least one sees the other, so
 * never do both win. If both see each other both step back for a random moment. Every claim has a name of its own
 * that says whose it is, so clearing away a dead one can never hit a live one.
 */
export async function lockDataDir(folder: string): Promise<DataDir> {
  const path = resolve(folder);
  const locks = join(path, 'lock');
  await makeFolder(path, locks);
  const own = await ownIdentity();
  const key = randomBytes(8).toString('hex');
  const life = await showLife(locks, lifeName(key));
  for (let attempt = 1; ; attempt++) {
    await writeFile(join(locks, markName('claim', own, key)), '', { flag: 'wx', mode: 0o600 });
    const others = await liveMarks(locks, own, key);
    const rival = others.find((mark) => mark.kind === 'held') ?? others[0];
    if (rival === undefined) break;
    await remove(locks, markName('claim', own, key));
    if (rival.kind === 'held' || attempt === tries) {
      await life.end();
      throw new DataDirInUse(path, rival.owner.pid);
    }
    await pause(5 + Math.random() * 45);
  }
  await writeFile(join(locks, markName('held', own, key)), '', { flag: 'wx', mode: 0o600 });

  let released: Promise<void> | undefined;
  const release = () => {
    released ??= (async () => {
      await remove(locks, markName('held', own, key));
      await remove(locks, markName('claim', own, key));
      await life.end();
    })();
    return released;
  };
  return { path, release, [Symbol.asyncDispose]: release };
}

/** A file in the lock folder: empty, all that it says is in its name, which appears at once or not at all. */
type Mark = { readonly kind: 'claim' | 'held'; readonly owner: ProcessIdentity; readonly key: string };

const markName = (kind: Mark['kind'], { pid, startedAt, namespace, boot }: ProcessIdentity, key: string) =>
  `${kind}.${pid}.${startedAt}.${namespace}.${boot}.${key}`;

const lifeName = (key: string) => `life.${key}`;

function parseMark(name: string): Mark | undefined {
  const found = /^(claim|held)\.(\d+)\.(\d+)\.(\d+)\.([0-9a-f]+)\.([0-9a-f]{16})$/.exec(name);
  if (found === null) return undefined;
  const [, kind, pid, startedAt, namespace, boot, key] = found as unknown as [string, ...string[]];
  return {
    kind: kind as Mark['kind'],
    owner: { pid: Number(pid), startedAt: startedAt!, namespace: namespace!, boot: boot! },
    key: key!,
  };
}

/** The marks of other live owners. Those of dead ones are removed. */
async function liveMarks(locks: string, own: ProcessIdentity, ownKey: string): Promise<Mark[]> {
  const live: Mark[] = [];
  for (const name of await readdir(locks)) {
    const mark = parseMark(name);
    if (mark === undefined || mark.key === ownKey) continue;
    const state = await isAlive(mark.owner, own);
    if (state === 'alive' || (state === 'unknown' && (await showsLife(locks, lifeName(mark.key))))) {
      live.push(mark);
    } else {
      await remove(locks, name);
      await remove(locks, lifeName(mark.key));
    }
  }
  return live;
}

const remove = (locks: string, name: string): Promise<void> => rm(join(locks, name), { force: true });

async function makeFolder(path: string, locks: string): Promise<void> {
  try {
    await mkdir(locks, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SettingsError(
      'LIVEMIX_DATA_DIR',
      `${path} cannot be made or written to (${code}). Choose a folder that this user may write to.`,
      { cause: error },
    );
  }
}
