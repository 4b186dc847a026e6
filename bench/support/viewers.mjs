import { fileURLToPath } from 'node:url';
import { Child, LOAD_CORE } from './child.mjs';

const file = fileURLToPath(new URL('viewers-load.mjs', import.meta.url));

/** Starts viewers in a process of their own. `measuring` and `done` resolve as they say. */
export function startViewers(scope, playlistUrl, orders) {
  const { hostname, port, pathname } = new URL(playlistUrl);
  const whole = {
    host: hostname,
    port: Number(port),
    playlist: pathname,
    addresses: 16,
    warmUpMs: 2_000,
    ...orders,
  };
  const child = new Child(scope, process.execPath, [file], {
    core: LOAD_CORE,
    openFiles: 20_000,
    env: { VIEWERS: JSON.stringify(whole) },
  });
  const withinMs = whole.rampMs + whole.warmUpMs + whole.seconds * 1000 + 30_000;
  const said = (what) =>
    child.line((line) => line.startsWith(`{"${what}"`) && JSON.parse(line)[what], withinMs);
  return Object.assign(child, {
    measuring: said('measuring'),
    done: said('done'),
    async end() {
      child.process.stdin.end();
      await child.exited;
    },
  });
}
