// Builds what `livemix` runs: TypeScript into dist/, the web page into dist/ui/. `npm ci` calls it.
import { execFileSync } from 'node:child_process';
import { existsSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => `${root}node_modules/.bin/${name}`;
const run = (name, ...args) => execFileSync(bin(name), args, { cwd: root, stdio: 'inherit' });

if (!existsSync(bin('tsc'))) {
  console.error('livemix: building needs the development packages. Run `npm ci` without --omit=dev.');
  process.exit(1);
}
// Built aside and moved into place, so that what runs meanwhile does not miss its files for long.
rmSync(`${root}dist.new`, { recursive: true, force: true });
run('tsc', '-p', 'tsconfig.build.json', '--outDir', 'dist.new');
run('vite', 'build', 'ui', '--logLevel', 'warn', '--outDir', '../dist.new/ui');
rmSync(`${root}dist`, { recursive: true, force: true });
renameSync(`${root}dist.new`, `${root}dist`);

// `npx livemix` finds the command there; without it npx would install and build the checkout once more.
rmSync(bin('livemix'), { force: true });
symlinkSync('../../bin/livemix.js', bin('livemix'));
