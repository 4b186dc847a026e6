import { SystemClock } from '../runtime/clock.ts';
import { lockDataDir } from '../runtime/data-dir.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { Scope } from '../runtime/scope.ts';
import { controlEvents } from './events.ts';
import { openLasting } from './open-lasting.ts';
import { type RebuildProgress, rebuild } from './recordings/rebuild.ts';
import type { ControlSettings } from './settings.ts';

/** What `livemix recordings rebuild` works with: the catalog and the store, and nobody else at them. */
export type Rebuilding = {
  run(): AsyncGenerator<RebuildProgress>;
  close(): Promise<void>;
};

/** Throws `SettingsError` where control is running on the same data dir. */
export async function openForRebuild(settings: ControlSettings, log: Log): Promise<Rebuilding> {
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
