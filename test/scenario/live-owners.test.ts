import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startEdge } from '../../src/edge/edge-node.ts';
import { edgeSettings } from '../../src/edge/settings.ts';
import { createLog } from '../../src/runtime/log.ts';
import { readSettings } from '../../src/runtime/settings.ts';
import { Audience, Encoder } from '../support/encoder.ts';
import { Rig } from '../support/rig.ts';

/** Another edge of the same control, with an encoder that says the same source name. */
async function anotherEdge(rig: Rig, name: string) {
  let logged = '';
  const write = (line: string) => {
    logged += line;
  };
  const folder = new Encoder({ edgeUrl: '' }).folder;
  const flags = {
    listen: '127.0.0.1:0',
    'data-dir': join(rig.folder, `other-${name}`),
    'edge-name': name,
    'media-roots': folder,
    'control-url': rig.control.url,
  };
  const edge = await startEdge(readSettings(edgeSettings, { flags, env: {} }).values, {
    log: createLog({ level: 'debug', name: 'other', destination: { write } }),
    version: '0.0.0-test',
    hostName: 'test-host',
    environment: {},
    uiFolder: fileURLToPath(new URL('../../dist/ui', import.meta.url)),
    onFailure: (error: unknown) => rig.failures.push(error),
  });
  const encoder = new Encoder({ edgeUrl: edge.url, folder });
  encoder.run = 7; // Its bytes are others.
  return {
    encoder,
    logged: () => logged,
    trouble: async () => {
      const sources = (await (await fetch(`${edge.url}/v1/sources`)).json()) as {
        trouble?: { code: string };
      }[];
      return sources[0]?.trouble?.code;
    },
    [Symbol.asyncDispose]: async () => {
      await edge.close();
      await encoder[Symbol.asyncDispose]();
    },
  };
}

const troubleOf = async (rig: Rig) =>
  ((await rig.source())?.['trouble'] as { code: string; detail: string } | undefined)?.code;

test('a source belongs to the edge that had it first; the other one is told, until the name is free', async () => {
  await using rig = await Rig.start();
  await rig.encoder.publish(4);
  await rig.until('the source appears', () => rig.source());
  await using other = await anotherEdge(rig, 'edge-2');
  await other.encoder.publish(4);
  await rig.until('control shows it', async () => (await troubleOf(rig)) === 'source_taken');
  await rig.until('the other edge shows it', async () => (await other.trouble()) === 'source_taken');
  const shown = (await rig.source())!;
  expect(shown).toMatchObject({ edge: 'edge-1' });
  expect(JSON.stringify(shown['trouble'])).toContain('edge-2');
  // Viewers get what the first one makes, and nothing else.
  const audience = new Audience([rig.playlistUrl], rig.encoder.labels);
  await rig.encoder.publish(2);
  await other.encoder.publish(2);
  await audience.sees('0/5');
  expect(audience.told()).toEqual(['0/3', '0/4', '0/5'].slice(-(audience.told() as string[]).length));
  // The owner goes, and an operator frees the name.
  await rig.edge.close();
  const freed = await fetch(`${rig.control.url}/v1/sources/camera-0`, { method: 'DELETE' });
  expect(freed.ok).toBe(true);
  await rig.until('the other edge has it', async () => (await rig.source())?.['edge'] === 'edge-2');
  await rig.until('the trouble is gone', async () => (await other.trouble()) === undefined);
  await other.encoder.publish(4);
  const after = new Audience([rig.playlistUrl], other.encoder.labels);
  await after.sees('7/9');
});

test('two edges with one name: the first goes on, the second is told which setting to change', async () => {
  await using rig = await Rig.start();
  await rig.encoder.publish(4);
  await rig.until('the source appears', () => rig.source());
  await using other = await anotherEdge(rig, 'edge-1');
  await other.encoder.publish(4);
  await rig.until('the second edge logs it', () => other.logged().includes('LIVEMIX_EDGE_NAME'));
  const edges = (await (await fetch(`${rig.control.url}/v1/edges`)).json()) as { name: string }[];
  expect(edges.map(({ name }) => name)).toEqual(['edge-1']);
  const audience = new Audience([rig.playlistUrl], rig.encoder.labels);
  await rig.encoder.publish(1);
  await audience.sees('0/4');
  expect(JSON.stringify(audience.told())).not.toMatch(/unknown|violations/);
});
