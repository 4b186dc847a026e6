// Runs the benches named on the command line, or all, one after the other: `npm run bench -- fan-out start`.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const benches = [
  ...['playlist', 'latency', 'start', 'fan-out', 'viewers', 'pollers', 'edge-idle', 'ingest'],
  ...['replay', 'replay-spread', 'replay-playlist', 'recording-start', 'recording-fsync', 'drain'],
];
const file = (name) => fileURLToPath(new URL(`${name}.mjs`, import.meta.url));

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !benches.includes(name));
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}. There are: ${benches.join(', ')}`);
  process.exit(2);
}
if (!existsSync(new URL('../dist/cli/main.js', import.meta.url))) {
  console.error('LiveMix is not built: npm run build');
  process.exit(2);
}

const failed = [];
for (const name of asked.length > 0 ? asked : benches) {
  const code = await run(name);
  if (code !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`\nfailed: ${failed.join(', ')}`);
  process.exitCode = 1;
}

/** Each has a process of its own, so that one leaves nothing behind for the next. */
function run(name) {
  const child = spawn(process.execPath, [file(name)], { stdio: 'inherit' });
  const pass = () => child.kill('SIGTERM');
  process.on('SIGTERM', pass);
  // Ctrl-C reaches the child by itself; it cleans up, then we end.
  const wait = () => undefined;
  process.on('SIGINT', wait);
  return new Promise((resolve) => {
    child.on('exit', (code) => {
      process.off('SIGTERM', pass);
      process.off('SIGINT', wait);
      resolve(code ?? 1);
    });
  });
}
