import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Catalog } from '../catalog/catalog.ts';
import { openCatalog, parseCatalogUrl } from '../catalog/open-catalog.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Scope } from '../runtime/scope.ts';
import { BadValue } from '../runtime/setting-types.ts';
import { SettingsError } from '../runtime/settings.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { openStore, parseStoreUrl } from '../store/open-store.ts';
import type { ControlEvents } from './events.ts';
import type { ControlSettings } from './settings.ts';

/** What lasts on control, whatever ends its process. */
export type Lasting = { readonly catalog: Catalog; readonly store: ObjectStore };

type Tools = {
  readonly clock: Clock;
  readonly events: ControlEvents;
  /** The catalog ended by itself. */
  readonly onLost?: (error: Error) => void;
};

/** Refuses URLs that nothing can be opened with. Throws `SettingsError`. */
export function checkLastingUrls({ databaseUrl, storeUrl }: ControlSettings): void {
  if (databaseUrl !== undefined) readUrl('LIVEMIX_DATABASE_URL', databaseUrl, parseCatalogUrl);
  if (storeUrl !== undefined) readUrl('LIVEMIX_STORE_URL', storeUrl, parseStoreUrl);
}

/** Opens the catalog and the object store; by default both lie in the data dir. */
export async function openLasting(
  settings: ControlSettings,
  dataDir: string,
  { clock, events, onLost }: Tools,
  scope: Scope,
): Promise<Lasting> {
  const { databaseUrl = `sqlite:${join(dataDir, 'catalog.db')}` } = settings;
  const catalog = await openCatalog(databaseUrl, { clock, ...(onLost !== undefined && { onLost }) });
  scope.defer(() => catalog.close());
  const { storeUrl = storeInside(dataDir) } = settings;
  const store = await openStore(storeUrl, { clock, events: events.store });
  scope.defer(() => store.close());
  return { catalog, store };
}

/** Where recordings are stored by default. @param dataDir absolute */
export const storeInside = (dataDir: string): string => pathToFileURL(join(dataDir, 'store')).href;

/** What a URL of a setting says. Throws `SettingsError` that names the setting and the mend. */
export function readUrl<T>(name: string, url: string, parse: (url: string) => T): T {
  try {
    return parse(url);
  } catch (error) {
    if (error instanceof BadValue) throw new SettingsError(name, error.message);
    throw error;
  }
}
