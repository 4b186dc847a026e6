import { fileURLToPath } from 'node:url';
import { Child, LOAD_CORE } from './child.mjs';

const script = fileURLToPath(new URL('wrk.lua', import.meta.url));

/** Loads a server with kept-alive GETs of these paths; what came of it, and the CPU time the server spent. */
export async function runWrk(scope, server, paths, { seconds, connections, headers = [] }) {
  const own = headers.flatMap((header) => ['-H', header]);
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, ...own, server.url, '--', ...paths];
  const before = server.cpuMs();
  const waitedBefore = server.waitedMs();
  const wrk = new Child(scope, 'wrk', args, { core: LOAD_CORE });
  const figures = await wrk.line(
    (line) => line.startsWith('{"requests"') && JSON.parse(line),
    (seconds + 20) * 1000,
  );
  const cpuMs = server.cpuMs() - before;
  const waitedMs = server.waitedMs() - waitedBefore;
  await wrk.exited;
  return {
    ...figures,
    requestsPerSecond: figures.requests / figures.seconds,
    bytesPerSecond: figures.bytes / figures.seconds,
    cpuUsPerRequest: (cpuMs * 1000) / figures.requests,
    cpuPercent: cpuMs / figures.seconds / 10,
    waitedPercent: waitedMs / figures.seconds / 10,
  };
}
