import { mkdir } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { Kysely } from 'kysely';
import { millis } from '../media/units.ts';
import type { Clock } from '../runtime/clock.ts';
import { BadValue } from '../runtime/setting-types.ts';
import type { Catalog } from './catalog.ts';
import { migrate } from './migrate.ts';
import { SqlCatalog } from './sql-catalog.ts';
import { SqliteThreadDialect } from './sqlite-dialect.ts';
import { BUSY_TIMEOUT_MS, SqliteThread } from './sqlite-thread.ts';
import type { Tables } from './tables.ts';
import { Turns } from './turns.ts';

const MAX_WAITING = 1000;
const MEND = 'Write sqlite:/absolute/folder/catalog.db.';

/** The file that a catalog URL names. Throws `BadValue` that says what to write instead. */
export function parseCatalogUrl(url: string): { readonly kind: 'sqlite'; readonly file: string } {
  if (/^postgres(ql)?:/.test(url)) throw new BadValue('PostgreSQL is not built yet', MEND);
  const file = /^sqlite:(?:\/\/(?=\/))?([^?\0]+)$/.exec(url)?.[1];
  if (file === undefined) throw new BadValue('This is no catalog URL', MEND);
  if (!isAbsolute(file)) throw new BadValue('The path of the catalog is not absolute', MEND);
  return { kind: 'sqlite', file };
}

/**
 * Opens the catalog that a URL names: makes the file and its folder, brings its tables up to date. `onLost` is
 * told, once, when the catalog ends by itself; whatever is asked then rejects.
 */
export async function openCatalog(
  url: string,
  tools: { readonly clock: Clock; readonly onLost?: (error: Error) => void },
): Promise<Catalog> {
  const { file } = parseCatalogUrl(url);
  await mkdir(dirname(file), { recursive: true });
  const thread = await SqliteThread.open(file, tools.onLost ?? (() => undefined));
  const turns = new Turns({ clock: tools.clock, maxWaiting: MAX_WAITING, longest: millis(BUSY_TIMEOUT_MS) });
  const database = new Kysely<Tables>({ dialect: new SqliteThreadDialect(thread, turns) });
  try {
    await migrate(database);
  } catch (error) {
    await database.destroy();
    throw error;
  }
  return new SqlCatalog(database);
}
