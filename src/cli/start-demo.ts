import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startTestCamera } from '../camera/test-camera.ts';
import { startControl } from '../control/control-node.ts';
import { controlSettings } from '../control/settings.ts';
import { startEdge } from '../edge/edge-node.ts';
import { edgeSettings } from '../edge/settings.ts';
import { millis } from '../media/units.ts';
import { SystemClock } from '../runtime/clock.ts';
import { Scope } from '../runtime/scope.ts';
import { readSettings } from '../runtime/settings.ts';
import { inPackage, logTo, type surroundings } from './surroundings.ts';

export type DemoFlags = { readonly listen: string; readonly edgeListen: string; readonly dataDir: string };

const SOURCE = 'camera-0';
const APPEARS_WITHIN_MS = 10_000;

/** Control, an edge and the test camera, in the order in which they need each other. */
export async function startDemo(flags: DemoFlags, given: ReturnType<typeof surroundings>) {
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
    await sourceAppears(control.url);
    process.stdout.write(`Page  URL ${control.url}/#${SOURCE}\n`);
    process.stdout.write(`Playlist  URL ${control.url}/live/${SOURCE}/index.m3u8\n`);
    return scope;
  } catch (error) {
    await scope.close();
    throw error;
  }
}

/** Until control knows the camera its playlist is unknown, and what is printed would not play. */
async function sourceAppears(controlUrl: string): Promise<void> {
  const clock = new SystemClock();
  const givenUpAt = clock.monotonic() + APPEARS_WITHIN_MS;
  while (clock.monotonic() < givenUpAt) {
    const answer = await fetch(`${controlUrl}/v1/sources/${SOURCE}`);
    await answer.arrayBuffer();
    if (answer.ok) return;
    await clock.sleep(millis(50));
  }
  throw new Error('the test camera did not appear');
}
