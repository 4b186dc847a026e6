// A process that brings a source into an edge with ffmpeg, as an edge does, so that it can be killed: NAME URL INPUT…
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const [name, url, ...input] = process.argv.slice(2);
const file = fileURLToPath(new URL('command-source.ts', import.meta.url));
const { module } = await runnerImport(file, { configFile: false, logLevel: 'silent' });
new module.CommandSource(name, { url }, { input, output: ['-c:v', 'libx264', '-g', '50'] });
console.log('begun');
setInterval(() => undefined, 60_000);
