import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from './child.mjs';
import { tempFolder } from './temp-folder.mjs';
import { until } from './wait.mjs';

export const command = fileURLToPath(new URL('../../bin/livemix.js', import.meta.url));

/** Flags of Node's that have it write a CPU profile, where `BENCH_PROFILE` names a folder. */
export const profileFlags = process.env.BENCH_PROFILE
  ? ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_PROFILE}`]
  : [];

/** Starts `livemix control` or `livemix edge` as a user would, on a free port. `nodeFlags` are Node's own. */
async function startNode(scope, kind, flags, { nodeFlags = [], core, openFiles } = {}) {
  const args = [
    ...nodeFlags,
    command,
    kind,
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
  ];
  const child = new Child(scope, process.execPath, args, { core, openFiles });
  const url = await child.line((line) => {
    if (!line.startsWith('{')) return undefined;
    const { msg, url } = JSON.parse(line);
    return url !== undefined && /is listening/.test(msg) ? url : undefined;
  });
  return Object.assign(child, { url });
}

export async function startControl(scope, { flags = {}, ...process } = {}) {
  const folder = await tempFolder(scope);
  return startNode(
    scope,
    'control',
    { listen: '127.0.0.1:0', 'data-dir': join(folder, 'control'), ...flags },
    process,
  );
}

export async function startEdge(scope, { controlUrl, mediaRoot, flags = {}, ...process }) {
  const folder = await tempFolder(scope);
  const own = {
    listen: '127.0.0.1:0',
    'data-dir': join(folder, 'edge'),
    'edge-name': 'edge-1',
    'media-roots': mediaRoot,
    ...(controlUrl !== undefined && { 'control-url': controlUrl }),
  };
  return startNode(scope, 'edge', { ...own, ...flags }, process);
}

/** Says when a source is to be forwarded: `always`, `on-demand`, `off`. Waits until control knows it. */
export async function setMode(controlUrl, source, mode) {
  await until(`control knows ${source}`, async () => (await fetch(`${controlUrl}/v1/sources/${source}`)).ok);
  const response = await fetch(`${controlUrl}/v1/sources/${source}`, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ mode }),
  });
  if (!response.ok) throw new Error(`control answered ${response.status}: ${await response.text()}`);
}

/** A value of a node's metrics, summed over its labels; 0 when it is not there. */
export async function metric(nodeUrl, name) {
  const text = await (await fetch(`${nodeUrl}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);
}
