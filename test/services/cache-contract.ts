import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cacheKey } from '../../src/cache/cache-key.ts';
import type { SegmentCache } from '../../src/cache/segment-cache.ts';
import { MIB, seconds } from '../../src/media/units.ts';

/** A key that no other test uses. */
export const newKey = (): string => cacheKey('camera-0', 'main', `${randomUUID()}.ts`);

const digest = (value: Buffer | undefined): string | undefined =>
  value && createHash('sha256').update(value).digest('base64url');

/** Asks until there is something: a value that was just set may be on its way to the server. */
export async function eventually<T>(
  ask: () => Promise<T | undefined>,
  withinMs = 5000,
): Promise<T | undefined> {
  for (const end = performance.now() + withinMs; performance.now() < end; await sleep(20)) {
    const value = await ask();
    if (value !== undefined) return value;
  }
  return undefined;
}

/** What every segment cache does. `open` gives an empty one; it is closed here. */
export function describeSegmentCache(name: string, open: () => Promise<SegmentCache>): void {
  describe(`segment cache: ${name}`, () => {
    let cache: SegmentCache;
    beforeAll(async () => {
      cache = await open();
    });
    afterAll(() => cache.close());

    test('what was never set is absent', async () => {
      expect(await cache.get(newKey())).toBeUndefined();
    });

    test.each([1, 2, 187, 188, 65_535, 65_536, 65_537, MIB, 2 * MIB + 1, 8 * MIB])(
      'a value of %i bytes comes back as it was',
      async (size) => {
        const key = newKey();
        const value = randomBytes(size);
        await cache.set(key, value, seconds(60));
        expect(digest(await eventually(() => cache.get(key)))).toBe(digest(value));
      },
    );

    test('bytes that look like the protocol are only bytes', async () => {
      const key = newKey();
      const value = Buffer.from('\r\nEND\r\nVALUE x 0 3\r\nabc\r\nSERVER_ERROR\r\n');
      await cache.set(key, value, seconds(60));
      expect(await eventually(() => cache.get(key))).toEqual(value);
    });

    test('the newest value replaces the one before', async () => {
      const key = newKey();
      await cache.set(key, Buffer.from('one'), seconds(60));
      await cache.set(key, Buffer.from('two, longer'), seconds(60));
      expect(await eventually(() => cache.get(key))).toEqual(Buffer.from('two, longer'));
    });

    test('keys do not meet', async () => {
      const entries = Array.from({ length: 200 }, () => ({ key: newKey(), value: randomBytes(5000) }));
      await Promise.all(
        entries.map(({ key, value }) =>
          eventually(async () => {
            await cache.set(key, value, seconds(60));
            return cache.get(key);
          }),
        ),
      );
      const found = await Promise.all(entries.map(({ key }) => eventually(() => cache.get(key))));
      expect(found.map(digest)).toEqual(entries.map(({ value }) => digest(value)));
    });

    test('a value is gone when its time is over, and touch gives it more', async () => {
      const [short, long, forgotten] = [newKey(), newKey(), newKey()];
      for (const key of [short, long]) await cache.set(key, Buffer.from('x'), seconds(1));
      await cache.touch(long, seconds(60));
      await cache.touch(newKey(), seconds(60));
      await cache.set(forgotten, Buffer.from('x'), seconds(60));
      await cache.set(forgotten, Buffer.from('x'), seconds(0));
      await sleep(2200);
      expect(await cache.get(short)).toBeUndefined();
      expect(await eventually(() => cache.get(long))).toEqual(Buffer.from('x'));
      expect(await cache.get(forgotten)).toBeUndefined();
    });
  });

  test(`segment cache: ${name}: after close it is empty and takes nothing`, async () => {
    const cache = await open();
    const key = newKey();
    await cache.set(key, Buffer.from('x'), seconds(60));
    await cache.close();
    await cache.touch(key, seconds(60));
    expect(await cache.get(key)).toBeUndefined();
    await cache.set(key, Buffer.from('x'), seconds(60));
    expect(await cache.get(key)).toBeUndefined();
  });
}
