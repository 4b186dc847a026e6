import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { startTestCamera } from '../camera/test-camera.ts';
import { startControl } from '../control/control-node.ts';
import { controlSettings } from '../control/settings.ts';
import { startEdge } from '../edge/edge-node.ts';
import { edgeSettings } from '../edge/settings.ts';
import { SystemClock } from '../runtime/clock.ts';
import { Scope } from '../runtime/scope.ts';
import { readSettings } from '../runtime/settings.ts';
import { runUntilSignal } from './run-node.ts';
import { inPackage, logTo, type surroundings } from './surroundings.ts';

type DemoFlags = { readonly listen: string; readonly edgeListen: string; readonly dataDir: string };

const SOURCE = 'camera-0';

/** `livemix demo`: all of LiveMix in one process, over the same ways as separate ones. */
export const demoCommand = (exitWith: (code: number) => void): Command =>
  new Command('demo')
    .description(
      'Runs control, an edge and a test camera in one process, to look at. Nothing else is needed.',
    )
    .option('--listen <HOST:PORT>', 'where the page is', '127.0.0.1:8080')
    .option('--edge-listen <HOST:PORT>', 'where encoders push to', '127.0.0.1:9080')
    .option('--data-dir <DIR>', 'where everything is kept', './livemix-data/demo')
    .action(async (flags: DemoFlags) => {
      exitWith(await runUntilSignal('demo', 'info', (given) => startDemo(flags, given)));
    });

async function startDemo(flags: DemoFlags, given: ReturnType<typeof surroundings>) {
  const scope = new Scope();
  const named = (name: string) => ({ ...given, log: logTo(name, 'info') });
  try {
    const control = await startControl(
      readSettings(controlSettings, {
        flags: { listen: flags.listen, 'data-dir': join(flags.dataDir, 'control') },
        env: {},
      }).values,
      named('control'),
    );
    scope.defer(() => control.close());
    const folder = resolve(flags.dataDir, 'camera');
    const edge = await startEdge(
      readSettings(edgeSettings, {
        flags: {
          listen: flags.edgeListen,
          'data-dir': join(flags.dataDir, 'edge'),
          'control-url': control.url,
          'edge-name': 'demo-edge',
          'media-roots': folder,
        },
        env: {},
      }).values,
      named('edge'),
    );
    scope.defer(() => edge.close());
    const camera = startTestCamera({
      clip: readFileSync(inPackage('assets/test-camera.mpegts')),
      folder,
      source: SOURCE,
      playlistUrl: `${edge.url}/v1/playlist`,
      clock: new SystemClock(),
    });
    scope.defer(() => camera.stop());
    process.stdout.write(`Page  URL ${control.url}/#${SOURCE}\n`);
    process.stdout.write(`Playlist  URL ${control.url}/live/${SOURCE}/index.m3u8\n`);
    return scope;
  } catch (error) {
    await scope.close();
    throw error;
  }
}
