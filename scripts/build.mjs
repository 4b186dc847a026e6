// Builds what `livemix` runs: TypeScript into dist/, the web page into dist/ui/. `npm ci` calls it.
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => `${root}node_modules/.bin/${name}`;
const run = (name, ...args) => execFileSync(bin(name), args, { cwd: root, stdio: 'inherit' });

if (!existsSync(bin('tsc'))) {
  console.error('livemix: building needs the development packages. Run `npm ci` without --omit=dev.');
  process.exit(1);
}
rmSync(`${root}dist`, { recursive: true, force: true });
run('tsc', '-p', 'tsconfig.build.json');
run('vite', 'build', 'ui', '--logLevel', 'warn');
