import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { factsOf, keysOf, newFolder, pagesOf } from './store-bodies.ts';

/** The part of the contract that is about keys and the list of them. */
export function testListsAndKeys(store: () => ObjectStore): void {
  test('the list has all there is, in the order of keys, in pages', { timeout: 60_000 }, async () => {
    const folder = newFolder();
    const body = Buffer.from('x');
    const keys = Array.from({ length: 1150 }, (_, index) => `${folder}/${index % 3}/${index}.ts`);
    // Dashes and dots sort before slashes, digits and letters behind them.
    const odd = ['a-b', 'a.b', 'a0', 'a/b-c', 'a/b.c', 'B', '_', '.hidden', 'x.tmp'];
    keys.push(...odd.map((name) => `${folder}/odd/${name}`));
    const waiting = keys.values();
    const write = async () => {
      for (const key of waiting) await store().put(key, body, factsOf(body));
    };
    await Promise.all(Array.from({ length: 8 }, write));
    const pages = await pagesOf(store(), `${folder}/`);
    expect(pages.every((page) => page.length > 0 && page.length <= 1000)).toBe(true);
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.flat().map(({ key }) => key)).toEqual(keys.toSorted());
    const now = Date.now();
    for (const { bytes, modifiedAt } of pages.flat()) {
      expect(bytes).toBe(1);
      expect(Math.abs(modifiedAt - now)).toBeLessThan(120_000);
    }
    const withPrefix = (prefix: string) => keys.filter((key) => key.startsWith(prefix)).sort();
    for (const prefix of ['/1/', '/1', '/1/1', '/2/11', '/odd/a', '/odd/a/', '/odd/.', '/none', '/1/1.ts']) {
      expect(await keysOf(store(), `${folder}${prefix}`)).toEqual(withPrefix(`${folder}${prefix}`));
    }
    expect(await keysOf(store(), folder)).toEqual(keys.toSorted());
    for await (const page of store().list(folder)) {
      expect(page[0]?.key).toBe(keys.toSorted()[0]);
      break;
    }
  });

  test('the list of everything holds no more than was put', async () => {
    const key = `${newFolder()}/one.ts`;
    await store().put(key, Buffer.from('x'), factsOf(Buffer.from('x')));
    const all = await keysOf(store(), '');
    expect(all).toContain(key);
    expect(all.filter((each) => !each.startsWith('tests/'))).toEqual([]);
  });

  test.each([
    ...[
      '',
      '/',
      '/a',
      'a/',
      'a//b',
      '.',
      '..',
      '../a',
      'a/../b',
      'a/./b',
      'a/..',
      'a b',
      'a\0b',
      'ä',
      'a\\b',
    ],
    ...['a%2Fb', '~tmp/x', 'x'.repeat(600), `${'a/'.repeat(257)}a`],
  ])('%j is no key', async (key) => {
    const body = Buffer.from('x');
    const source = Readable.from([body]);
    const before = await keysOf(store(), 'tests/none');
    await expect(store().put(key, source, factsOf(body))).rejects.toThrow(RangeError);
    expect(source.destroyed || source.readableDidRead).toBe(false);
    await expect(store().put(key, body, factsOf(body, { replace: true }))).rejects.toThrow(RangeError);
    await expect(store().get(key)).rejects.toThrow(RangeError);
    await expect(store().stream(key)).rejects.toThrow(RangeError);
    await expect(store().head(key)).rejects.toThrow(RangeError);
    await expect(store().delete(key)).rejects.toThrow(RangeError);
    expect(await keysOf(store(), 'tests/none')).toEqual(before);
  });

  test.each(['/', '../', 'a//', 'a/../', 'a b', '~', '~tmp/'])('no key begins with %j', async (prefix) => {
    await expect(keysOf(store(), prefix)).rejects.toThrow(RangeError);
  });

  test('a key of 512 characters', async () => {
    const folder = newFolder();
    const key = `${folder}/${'k'.repeat(200)}/${'l'.repeat(200)}/`.padEnd(512, 'm');
    const body = randomBytes(10);
    await store().put(key, body, factsOf(body));
    expect(await store().get(key)).toEqual(body);
    expect(await keysOf(store(), `${folder}/`)).toEqual([key]);
    await store().delete(key);
  });
}
