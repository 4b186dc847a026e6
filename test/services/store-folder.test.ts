import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seconds } from '../../src/media/units.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import { openStore } from '../../src/store/open-store.ts';
import { Running } from '../support/process.ts';
import { factsOf, keysOf, reasonOf, Told } from './store-bodies.ts';

const clock = new SystemClock();
const body = randomBytes(100_000);

describe('folder', () => {
  let home: string;
  let count = 0;
  const newRoot = () => join(home, `store ${count++}`);
  const open = (root: string, told = new Told()) =>
    openStore(pathToFileURL(root).href, { clock, events: told });
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'livemix-store-'));
  });
  afterAll(() => rm(home, { recursive: true }));

  test('an object is a file, and an empty folder does not stay', async () => {
    const root = newRoot();
    const store = await open(root);
    await store.put('a/b/c.ts', body, factsOf(body));
    expect((await stat(join(root, 'a/b/c.ts'))).size).toBe(body.length);
    expect(await readdir(join(root, '~tmp'))).toEqual([]);
    await store.delete('a/b/c.ts');
    expect(await readdir(root)).toEqual(['~tmp']);
    expect(store.givesTickets).toBe(false);
    expect(await store.ticket('a.ts', { bytes: 1, contentType: 'x', md5: '' }, seconds(1))).toBeUndefined();
  });

  test('a folder that somebody removes is made again', async () => {
    const root = newRoot();
    const store = await open(root);
    await store.put('a/b/1.ts', body, factsOf(body));
    await rm(join(root, 'a'), { recursive: true });
    await store.put('a/b/2.ts', body, factsOf(body));
    expect(await keysOf(store, '')).toEqual(['a/b/2.ts']);
  });

  test('where another key ends, none goes on', async () => {
    const told = new Told();
    const store = await open(newRoot(), told);
    await store.put('a/b', body, factsOf(body));
    expect(await reasonOf(store.put('a/b/c', body, factsOf(body)))).toBe('broken');
    expect(await reasonOf(store.put('a', body, factsOf(body)))).toBe('broken');
    expect(await reasonOf(store.put('x'.repeat(300), body, factsOf(body)))).toBe('broken');
    for (const key of ['a', 'a/b/c', 'x'.repeat(300)]) {
      expect([await store.get(key), await store.head(key), await store.stream(key)]).toEqual(Array(3));
    }
    expect(await keysOf(store, '')).toEqual(['a/b']);
    expect(told.lines).toEqual(['put broken', 'put broken', 'put broken']);
  });

  test('a folder that cannot be made says so', async () => {
    await writeFile(join(home, 'file'), '');
    expect(await reasonOf(open(join(home, 'file', 'store')))).toBe('broken');
  });

  describe('in a process of its own', () => {
    /** Opens the store of its first argument and puts `a/b.ts`, of 2 MiB, all of it but what its second one says. */
    const program = `
      import { PassThrough } from 'node:stream';
      import { FileStore } from './file-store.js';
      const store = await FileStore.open(process.argv[2], { failed: (...told) => console.log(...told) });
      const body = new PassThrough();
      const put = store.put('a/b.ts', body, { bytes: 2 ** 21, contentType: 'video/mp2t' });
      put.catch((error) => console.log('rejected', error.reason, error.cause?.code));
      body.write(Buffer.alloc(2 ** 21 - Number(process.argv[3])), () => console.log('written'));
      if (process.argv[3] === '0') body.end(); else setInterval(() => {}, 1000);`;
    beforeAll(async () => {
      const source = fileURLToPath(new URL('../../src/store/file-store.ts', import.meta.url));
      await build({
        configFile: false,
        logLevel: 'silent',
        ssr: { noExternal: true },
        build: { ssr: source, outDir: join(home, 'program'), rollupOptions: { output: { format: 'es' } } },
      });
      await writeFile(join(home, 'program', 'package.json'), '{ "type": "module" }');
      await writeFile(join(home, 'program', 'write.js'), program);
    });
    const run = (root: string, lacking: number, before = '') => {
      const command = `${before} exec ${process.execPath} '${join(home, 'program', 'write.js')}' '${root}' ${lacking}`;
      return new Running('sh', ['-c', command]);
    };

    test('a killed writer leaves nothing to see, and the next start clears away what it left', async () => {
      const root = newRoot();
      const left = async () => (await readdir(join(root, '~tmp'))).length;
      const writer = run(root, 1000);
      await writer.printed(/written/);
      for (const end = performance.now() + 5000; performance.now() < end && (await left()) === 0; );
      const beside = await open(root);
      expect(await left()).toBe(1); // The one who writes it lives.
      writer.signal('SIGKILL');
      await writer.ended();
      expect(await keysOf(beside, '')).toEqual([]);
      expect(await beside.head('a/b.ts')).toBeUndefined();
      const store = await open(root);
      expect(await left()).toBe(0);
      await store.put('a/b.ts', body, factsOf(body));
      expect(await store.head('a/b.ts')).toEqual({ bytes: body.length });
    });

    test('a disk that takes no more is full, and nothing is kept', async () => {
      const root = newRoot();
      await using writer = run(root, 0, "trap '' XFSZ; ulimit -f 1024;");
      await writer.printed(/rejected full EFBIG/);
      expect(writer.stdout).toContain('put full');
      await writer.ended();
      expect(await readdir(join(root, '~tmp'))).toEqual([]);
      expect(await keysOf(await open(root), '')).toEqual([]);
    });
  });
});
