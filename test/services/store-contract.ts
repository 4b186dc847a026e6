import { createHash, randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MIB } from '../../src/media/units.ts';
import {
  ObjectExists,
  type ObjectFacts,
  ObjectMismatch,
  type ObjectStore,
} from '../../src/store/object-store.ts';
import { bytesOf, digestOf, factsOf, inPieces, keysOf, newFolder } from './store-bodies.ts';
import { testListsAndKeys } from './store-contract-keys.ts';

/** What every object store does. `open` gives one, which is closed here; tests leave objects in it. */
export function describeObjectStore(name: string, open: () => Promise<ObjectStore>): void {
  describe(`object store: ${name}`, () => {
    let store: ObjectStore;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store.close());

    const expectNothing = async (key: string) => {
      expect(await store.get(key)).toBeUndefined();
      expect(await store.stream(key)).toBeUndefined();
      expect(await store.head(key)).toBeUndefined();
      expect(await keysOf(store, key)).toEqual([]);
    };

    test('what was never put is absent', async () => {
      await expectNothing(`${newFolder()}/a.ts`);
      expect(await store.stream(`${newFolder()}/a.ts`, { first: 0, last: 5 })).toBeUndefined();
      expect(await keysOf(store, `${newFolder()}/`)).toEqual([]);
    });

    test.each([0, 1, 65_535, 65_536, 65_537, MIB])('%i bytes come back as they were', async (size) => {
      const folder = newFolder();
      const body = randomBytes(size);
      await store.put(`${folder}/whole.ts`, body, factsOf(body));
      await store.put(`${folder}/pieces.ts`, inPieces(body), factsOf(body));
      const { digest, ...without } = factsOf(body);
      expect(digest).toHaveLength(43);
      await store.put(`${folder}/undigested.ts`, inPieces(body), without);
      for (const key of ['whole', 'pieces', 'undigested'].map((each) => `${folder}/${each}.ts`)) {
        expect(digestOf((await store.get(key))!)).toBe(digestOf(body));
        expect(digestOf((await bytesOf(await store.stream(key)))!)).toBe(digestOf(body));
        expect(await store.head(key)).toEqual({ bytes: size });
      }
    });

    test('the first object stays, unless it is to be replaced', async () => {
      const key = `${newFolder()}/list.m3u8`;
      const [first, second, third] = [randomBytes(1000), randomBytes(70_000), randomBytes(10)];
      await store.put(key, first, factsOf(first));
      await expect(store.put(key, second, factsOf(second))).rejects.toThrow(ObjectExists);
      await expect(store.put(key, inPieces(second), factsOf(second))).rejects.toThrow(ObjectExists);
      await expect(store.put(key, first, factsOf(first))).rejects.toThrow(ObjectExists);
      expect(await store.get(key)).toEqual(first);
      await store.put(key, inPieces(second), factsOf(second, { replace: true }));
      expect(await store.get(key)).toEqual(second);
      await store.put(key, third, factsOf(third, { replace: true }));
      expect(await store.get(key)).toEqual(third);
      expect(await store.head(key)).toEqual({ bytes: 10 });
      const fresh = `${newFolder()}/new.m3u8`;
      await store.put(fresh, third, factsOf(third, { replace: true }));
      expect(await store.get(fresh)).toEqual(third);
    });

    test.each<[string, (body: Buffer) => Buffer | Readable, Partial<ObjectFacts>]>([
      ['that is too long', (body) => body, { bytes: 199_999 }],
      ['that is too short', (body) => body, { bytes: 200_001 }],
      ['of another digest', (body) => body, { digest: digestOf(Buffer.from('other')) }],
      ['in pieces that is too long', (body) => inPieces(body), { bytes: 199_999 }],
      ['in pieces that is far too long', (body) => inPieces(body), { bytes: 10 }],
      ['in pieces that is too short', (body) => inPieces(body), { bytes: 200_001 }],
      ['in pieces of another digest', (body) => inPieces(body), { digest: digestOf(Buffer.from('other')) }],
      ['in one piece of another digest', (body) => inPieces(body, 1e6), { digest: digestOf(randomBytes(1)) }],
      ['where there should be none', (body) => inPieces(body), { bytes: 0 }],
      ['that is none', () => Readable.from([]), {}],
    ])('nothing is kept of a body %s', async (_, make, change) => {
      const key = `${newFolder()}/wrong.ts`;
      const body = randomBytes(200_000);
      await expect(store.put(key, make(body), factsOf(body, change))).rejects.toThrow(ObjectMismatch);
      await expectNothing(key);
      await store.put(key, body, factsOf(body));
      await expect(store.put(key, make(body), { ...factsOf(body, change), replace: true })).rejects.toThrow(
        ObjectMismatch,
      );
      expect((await store.get(key))?.equals(body)).toBe(true);
    });

    test.each<[string, (body: PassThrough) => void, RegExp]>([
      ['fails', (body) => body.destroy(new Error('the camera fell')), /the camera fell/],
      ['breaks off', (body) => body.destroy(), /premature/i],
    ])('nothing is kept of a body that %s, which is passed on', async (_, hurt, message) => {
      for (const replace of [false, true]) {
        const key = `${newFolder()}/half.ts`;
        const whole = randomBytes(3 * MIB);
        const body = new PassThrough();
        const put = store.put(key, body, factsOf(whole, { replace }));
        const refused = expect(put).rejects.toThrow(message);
        body.write(whole.subarray(0, 2 * MIB));
        await sleep(100);
        expect(await store.get(key)).toBeUndefined();
        expect(await keysOf(store, key)).toEqual([]);
        hurt(body);
        await refused;
        await expectNothing(key);
        await store.put(key, whole, factsOf(whole));
      }
    });

    test('a body that failed before it was put is passed on', async () => {
      const body = new PassThrough();
      body.on('error', () => undefined);
      body.destroy(new Error('the camera fell'));
      await sleep(1);
      await expect(store.put(`${newFolder()}/a.ts`, body, factsOf(randomBytes(5)))).rejects.toThrow();
    });

    test('of two who write one key at the same time one wins, as a whole', async () => {
      for (let round = 0; round < 4; round++) {
        const key = `${newFolder()}/race.ts`;
        const bodies = Array.from({ length: 5 }, () => randomBytes(300_000));
        const puts = await Promise.allSettled(
          bodies.map((body, index) => store.put(key, index % 2 === 0 ? inPieces(body) : body, factsOf(body))),
        );
        const winners = bodies.filter((_, index) => puts[index]?.status === 'fulfilled');
        expect(winners).toHaveLength(1);
        for (const put of puts) {
          if (put.status === 'rejected') expect(put.reason).toBeInstanceOf(ObjectExists);
        }
        expect((await store.get(key))?.equals(winners[0]!)).toBe(true);
      }
    });

    test('of many who replace one key the last is there as a whole, and readers never see half', async () => {
      const key = `${newFolder()}/list.m3u8`;
      const bodies = Array.from({ length: 6 }, (_, index) => Buffer.alloc(100_000 + index, index));
      await store.put(key, bodies[0]!, factsOf(bodies[0]!));
      let writing = true;
      const read = async () => {
        while (writing) {
          const found = (await store.get(key))!;
          expect(bodies.some((body) => body.equals(found))).toBe(true);
        }
      };
      const readers = [read(), read()];
      await Promise.all(bodies.map((body) => store.put(key, body, factsOf(body, { replace: true }))));
      writing = false;
      await Promise.all(readers);
    });

    test('ranges', async () => {
      const key = `${newFolder()}/ranges.ts`;
      const body = randomBytes(100_000);
      await store.put(key, body, factsOf(body));
      const read = async (first: number, last: number) => bytesOf(await store.stream(key, { first, last }));
      expect(await read(0, 0)).toEqual(body.subarray(0, 1));
      expect(await read(188, 375)).toEqual(body.subarray(188, 376));
      expect(await read(99_999, 99_999)).toEqual(body.subarray(99_999));
      expect(await read(50_000, 1_000_000)).toEqual(body.subarray(50_000));
      expect(await read(100_000, 100_001)).toEqual(Buffer.alloc(0));
      for (const [first, last] of [
        [5, 4],
        [-1, 4],
        [0.5, 4],
        [0, Number.NaN],
      ] as const) {
        await expect(store.stream(key, { first, last })).rejects.toThrow(RangeError);
      }
    });

    test('a reader that leaves early does no harm', async () => {
      const key = `${newFolder()}/left.ts`;
      const body = randomBytes(2 * MIB);
      await store.put(key, body, factsOf(body));
      for (let turn = 0; turn < 20; turn++) {
        for await (const chunk of (await store.stream(key))!) {
          expect(body.indexOf(chunk as Buffer)).toBe(0);
          break;
        }
      }
      expect((await store.get(key))?.equals(body)).toBe(true);
    });

    test('what is deleted is gone, also twice; its neighbours stay', async () => {
      const folder = newFolder();
      const body = Buffer.from('x');
      for (const name of ['a/1.ts', 'a/2.ts', 'b/c/d/1.ts'])
        await store.put(`${folder}/${name}`, body, factsOf(body));
      await store.delete(`${folder}/a/1.ts`);
      await store.delete(`${folder}/a/1.ts`);
      await store.delete(`${folder}/none/at/all.ts`);
      await expectNothing(`${folder}/a/1.ts`);
      expect(await keysOf(store, folder)).toEqual([`${folder}/a/2.ts`, `${folder}/b/c/d/1.ts`]);
      await Promise.all([store.delete(`${folder}/a/2.ts`), store.delete(`${folder}/b/c/d/1.ts`)]);
      expect(await keysOf(store, folder)).toEqual([]);
      await store.put(`${folder}/a/1.ts`, body, factsOf(body));
      expect(await store.get(`${folder}/a/1.ts`)).toEqual(body);
    });

    test('putting and deleting side by side loses nothing', async () => {
      const folder = newFolder();
      const body = Buffer.from('x');
      const play = async (player: number) => {
        for (let turn = 0; turn < 15; turn++) {
          const key = `${folder}/deep/${turn % 3}/${player}-${turn}.ts`;
          await store.put(key, body, factsOf(body));
          expect(await store.head(key)).toEqual({ bytes: 1 });
          await store.delete(key);
        }
      };
      await Promise.all(Array.from({ length: 6 }, (_, player) => play(player)));
      expect(await keysOf(store, folder)).toEqual([]);
    });

    testListsAndKeys(() => store);

    test('8 MiB pass without being held', async () => {
      const key = `${newFolder()}/large.ts`;
      const size = 8 * MIB;
      const piece = randomBytes(64 * 1024);
      const hash = createHash('sha256');
      for (let sent = 0; sent < size; sent += piece.length) hash.update(piece);
      let [made, ahead] = [0, 0];
      async function* pieces() {
        for (; made < size; made += piece.length) {
          yield piece;
          ahead = Math.max(ahead, process.memoryUsage().arrayBuffers);
        }
      }
      const before = process.memoryUsage().arrayBuffers;
      const facts = { bytes: size, contentType: 'video/mp2t', digest: hash.digest('base64url') };
      await store.put(key, Readable.from(pieces(), { objectMode: false }), facts);
      const { digest } = facts;
      const check = createHash('sha256');
      for await (const chunk of (await store.stream(key))!) check.update(chunk as Buffer);
      expect(check.digest('base64url')).toBe(digest);
      expect(await store.head(key)).toEqual({ bytes: size });
      if (name !== 'memory') expect(ahead - before).toBeLessThan(4 * MIB);
    });
  });
}
