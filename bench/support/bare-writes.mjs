import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The least that makes a file survive a power cut: write, fsync, rename, fsync of the folder. Several writers, each in a
 * folder of its own, for so long or so many files each; each begins a file every `everyMs` at most.
 */
export async function bareWrites(folder, { writers, bytes, seconds = 3600, files = Infinity, everyMs = 0 }) {
  const content = Buffer.alloc(bytes, 7);
  const tookMs = [];
  const startedAt = performance.now();
  const write = async (at) => {
    const own = join(folder, `writer-${at}`);
    await mkdir(own, { recursive: true });
    for (let file = 0; file < files && performance.now() - startedAt < seconds * 1000; file++) {
      const begunAt = performance.now();
      await writeDurably(own, `${Math.round(begunAt)}-${file}`, content);
      tookMs.push(performance.now() - begunAt);
      const left = begunAt + everyMs - performance.now();
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, at) => write(at)));
  return { tookMs, seconds: (performance.now() - startedAt) / 1000 };
}

async function writeDurably(folder, name, content) {
  const handle = await open(join(folder, '~tmp'), 'w');
  await handle.writeFile(content);
  await handle.sync();
  await handle.close();
  await rename(join(folder, '~tmp'), join(folder, name));
  const directory = await open(folder, 'r');
  await directory.sync();
  await directory.close();
}
