import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Catalog, CatalogSource } from '../../src/catalog/catalog.ts';
import { epochMs } from '../../src/media/units.ts';
import { describeRecordings } from './catalog-recordings-contract.ts';

export const aSource = (change: Partial<CatalogSource> = {}): CatalogSource => ({
  name: 'camera-0',
  edge: 'barn',
  mode: 'on-demand',
  spool: 'b3Blbg',
  reservedSequence: 1000,
  reservedDiscontinuity: 2,
  multivariant: '#EXTM3U\n',
  createdAt: epochMs(1_764_000_000_123),
  ...change,
});

/** What every catalog does. `create` makes an empty database and gives a function that opens it, again and again. */
export function describeCatalog(name: string, create: () => Promise<() => Promise<Catalog>>): void {
  describe(`catalog: ${name}`, () => {
    describeRecordings(create);
  });
  describe(`catalog: ${name}, sources`, () => {
    let open: () => Promise<Catalog>;
    let catalog: Catalog;
    beforeEach(async () => {
      open = await create();
      catalog = await open();
    });
    afterEach(() => catalog.close());

    test('a new one is empty', async () => {
      expect(await catalog.sources()).toEqual([]);
    });

    test('a source comes back as it was saved, numbers of any size included', async () => {
      const saved = aSource({ reservedSequence: Number.MAX_SAFE_INTEGER, mode: 'always' });
      await catalog.saveSource(saved);
      expect(await catalog.sources()).toEqual([saved]);
    });

    test('saving again replaces, under the same name only', async () => {
      await catalog.saveSource(aSource());
      await catalog.saveSource(aSource({ name: 'Camera-0' }));
      const changed = aSource({ edge: 'roof', mode: 'off', spool: 'c', reservedSequence: 2000 });
      await catalog.saveSource(changed);
      expect(await catalog.sources()).toEqual([aSource({ name: 'Camera-0' }), changed]);
    });

    test('a deleted source keeps its floors and may be taken by another edge', async () => {
      await catalog.saveSource(aSource({ edge: undefined }));
      expect(await catalog.sources()).toEqual([aSource({ edge: undefined })]);
      await catalog.saveSource(aSource({ edge: 'roof' }));
      expect((await catalog.sources())[0]?.edge).toBe('roof');
    });

    test('sources are listed by name', async () => {
      for (const name of ['b', 'a', 'c']) await catalog.saveSource(aSource({ name }));
      expect((await catalog.sources()).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    });

    test('names and words are only text', async () => {
      const saved = aSource({ edge: `'; drop table source; --\n\u00e9`, spool: '"' });
      await catalog.saveSource(saved);
      expect(await catalog.sources()).toEqual([saved]);
    });

    test('what was saved is there when it is opened again', async () => {
      await catalog.saveSource(aSource());
      await catalog.close();
      catalog = await open();
      expect(await catalog.sources()).toEqual([aSource()]);
    });

    test('many saves at once are all kept', async () => {
      const saved = Array.from({ length: 200 }, (_, index) => aSource({ name: `camera-${1000 + index}` }));
      await Promise.all(saved.map((source) => catalog.saveSource(source)));
      expect(await catalog.sources()).toEqual(saved);
    });

    test('close waits for what was asked before; what is asked later rejects', async () => {
      const saves = ['a', 'b', 'c'].map((name) => catalog.saveSource(aSource({ name })));
      await catalog.close();
      await Promise.all(saves);
      await expect(catalog.sources()).rejects.toThrow('closed');
      catalog = await open();
      expect(await catalog.sources()).toHaveLength(3);
    });
  });
}
