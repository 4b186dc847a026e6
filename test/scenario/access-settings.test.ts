import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { startControl } from '../../src/control/control-node.ts';
import { controlSettings } from '../../src/control/settings.ts';
import { startEdge } from '../../src/edge/edge-node.ts';
import { edgeSettings } from '../../src/edge/settings.ts';
import { createLog } from '../../src/runtime/log.ts';
import { readSettings } from '../../src/runtime/settings.ts';
import { SettingsError } from '../../src/runtime/settings-error.ts';
import { Rig } from '../support/rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'livemix-settings-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const surroundings = {
  log: createLog({ level: 'error', name: 'test', destination: { write: () => undefined } }),
  version: '0.0.0-test',
  hostName: 'test-host',
  environment: {},
  uiFolder: fileURLToPath(new URL('../../dist/ui', import.meta.url)),
  onFailure: () => undefined,
};
const control = async (flags: Record<string, string>) => {
  const { values } = readSettings(controlSettings, {
    flags: { 'data-dir': join(folder, 'control'), ...flags },
    env: {},
  });
  return startControl(values, surroundings);
};
const edge = async (flags: Record<string, string>) => {
  const { values } = readSettings(edgeSettings, {
    flags: { 'data-dir': join(folder, 'edge'), ...flags },
    env: {},
  });
  return startEdge(values, surroundings);
};
/** What a start was refused with. A node that did start is closed. */
const refusal = async (starting: Promise<{ close(): Promise<void> }>): Promise<unknown> => {
  try {
    await (await starting).close();
    return undefined;
  } catch (error) {
    return error;
  }
};
const token = 'a-token-that-is-long-enough-0123456789';
const beyond = { listen: '0.0.0.0:0' };

test.each<[string, Record<string, string>, RegExp]>([
  ['nothing', {}, /LIVEMIX_(EDGE_TOKEN|ADMIN_TOKEN)/],
  ['an edge token alone', { 'edge-token': token }, /LIVEMIX_ADMIN_TOKEN/],
  ['an admin token alone', { 'admin-token': token, viewers: 'public' }, /LIVEMIX_EDGE_TOKEN/],
  ['both tokens', { 'edge-token': token, 'admin-token': token }, /LIVEMIX_VIEWERS/],
])('control beyond loopback with %s is refused and told what to set', async (_, flags, named) => {
  const error = await refusal(control({ ...beyond, ...flags }));
  expect(error).toBeInstanceOf(SettingsError);
  expect(String((error as Error).message)).toMatch(named);
});

test('control beyond loopback starts with all three', async () => {
  const flags = { ...beyond, 'edge-token': token, 'admin-token': token, viewers: 'public' };
  expect(await refusal(control(flags))).toBeUndefined();
});

test('an edge beyond loopback is refused without an ingest token', async () => {
  const error = await refusal(edge(beyond));
  expect(error).toBeInstanceOf(SettingsError);
  expect(String((error as Error).message)).toContain('LIVEMIX_INGEST_TOKEN');
  expect(await refusal(edge({ ...beyond, 'ingest-token': token }))).toBeUndefined();
});

test('a data dir in use is refused, and stays unharmed', async () => {
  await using rig = await Rig.start();
  for (const start of [
    () => control({ listen: '127.0.0.1:0', 'data-dir': join(rig.folder, 'control') }),
    () => edge({ listen: '127.0.0.1:0', 'data-dir': join(rig.folder, 'edge') }),
  ]) {
    const error = await refusal(start());
    expect(error).toBeInstanceOf(SettingsError);
    expect(String((error as Error).message)).toContain('LIVEMIX_DATA_DIR');
  }
  await rig.encoder.publish(3);
  await rig.until('both work on', () => rig.source());
});
