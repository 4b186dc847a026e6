import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SystemClock } from '../runtime/clock.ts';
import { lockDataDir } from '../runtime/data-dir.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { Scope } from '../runtime/scope.ts';
import { SettingsError } from '../runtime/settings.ts';
import { parseStoreUrl } from '../store/open-store.ts';
import { controlEvents } from './events.ts';
import { openLasting, readUrl, storeInside } from './open-lasting.ts';
import { type RebuildProgress, rebuild } from './recordings/rebuild.ts';
import type { ControlSettings } from './settings.ts';

/** What `livemix recordings rebuild` works with: the catalog and the store, and nobody else at them. */
export type Rebuilding = {
  run(): AsyncGenerator<RebuildProgress>;
  close(): Promise<void>;
};

/** Throws `SettingsError` where control is running on the same data dir, or the folder of the store does not exist. */
export async function openForRebuild(settings: ControlSettings, log: Log): Promise<Rebuilding> {
  await refuseMissing(settings);
  const scope = new Scope();
  try {
    const dataDir = await lockDataDir(settings.dataDir);
    scope.defer(() => dataDir.release());
    const clock = new SystemClock();
    const events = controlEvents(log, createMetrics('livemix_control_', { process: false }), clock);
    const { catalog, store } = await openLasting(settings, dataDir.path, { clock, events }, scope);
    return { run: () => rebuild(catalog, store), close: () => scope.close() };
  } catch (error) {
    await scope.close();
    throw error;
  }
}

/** What is restored from must be there: a folder that a typing mistake makes has no recordings. Nothing is made before. */
async function refuseMissing({ storeUrl, dataDir }: ControlSettings): Promise<void> {
  const setting = storeUrl === undefined ? 'LIVEMIX_DATA_DIR' : 'LIVEMIX_STORE_URL';
  const url = storeUrl ?? storeInside(resolve(dataDir));
  const store = readUrl(setting, url, parseStoreUrl);
  if (store.kind !== 'folder') return;
  const found = await stat(store.folder).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  throw new SettingsError(
    setting,
    `There is no folder ${store.folder} to restore recordings from. Name the store that control had.`,
  );
}
