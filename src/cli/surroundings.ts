import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createLog, type Log, type LogLevel } from '../runtime/log.ts';

/** The folder of the package: above both `dist/cli` and `src/cli`. */
const packageFolder = new URL('../../', import.meta.url);

export const inPackage = (path: string): string => fileURLToPath(new URL(path, packageFolder));

export const version = (): string =>
  (JSON.parse(readFileSync(inPackage('package.json'), 'utf8')) as { version: string }).version;

export const logTo = (name: string, level: LogLevel): Log =>
  createLog({ name, level, destination: process.stderr, pretty: process.stderr.isTTY === true });

/** What every node is started with. */
export const surroundings = (name: string, level: LogLevel, onFailure: (error: unknown) => void) => ({
  log: logTo(name, level),
  version: version(),
  hostName: hostname(),
  uiFolder: inPackage('dist/ui'),
  environment: process.env,
  onFailure,
});
