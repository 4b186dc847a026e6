import type { Command } from 'commander';
import { controlSettings } from '../control/settings.ts';
import { OperatorFailed } from './operator-client.ts';
import { ProgressBar } from './progress.ts';
import { readFor, withSettings } from './read-settings.ts';
import { logTo } from './surroundings.ts';

/** `livemix recordings rebuild`: the catalog from the store alone, while control is not running. */
export function addRebuild(command: Command): void {
  const inner = command
    .command('rebuild')
    .description('restores the catalog of recordings from the object store; control must not run meanwhile');
  inner.action(async (flags: Record<string, string>) => {
    const settings = await readFor(controlSettings, flags);
    const { openForRebuild } = await import('../control/open-for-rebuild.ts');
    const bar = new ProgressBar();
    const work = await openForRebuild(settings, logTo('rebuild', settings.logLevel));
    try {
      let last: Awaited<ReturnType<typeof work.run>> extends AsyncGenerator<infer P> ? P | undefined : never;
      for await (const progress of work.run()) {
        last = progress;
        bar.show(undefined, `${progress.recordings} recordings, ${progress.segments} segments`);
      }
      bar.end();
      for (const { key, why } of last?.unreadable ?? [])
        console.error(`livemix: ${key} cannot be read: ${why}`);
      console.log(
        `${last?.recordings ?? 0} recordings with ${last?.segments ?? 0} segments are in the catalog.`,
      );
      if ((last?.unreadable.length ?? 0) > 0) throw new OperatorFailed('Some manifests could not be read.');
    } finally {
      bar.end();
      await work.close();
    }
  });
  withSettings(inner, controlSettings);
}
