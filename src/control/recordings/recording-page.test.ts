import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CatalogRecording } from '../../catalog/catalog.ts';
import { epochMs } from '../../media/units.ts';
import { MAX_LISTED, newestFirst, pageOf } from './recording-page.ts';

const idOf = (number: number) => number.toString(36).padStart(16, '0');
const at = (createdAt: number, number: number) =>
  ({ id: idOf(number), createdAt: epochMs(createdAt) }) as CatalogRecording;
const ids = (recordings: readonly CatalogRecording[]) => recordings.map(({ id }) => id);

test('without a question a page has the newest thousand, and says where the next one begins', () => {
  const all = Array.from({ length: MAX_LISTED + 1 }, (_, number) => at(number, number));
  const first = pageOf(all, {});
  expect(first.recordings).toHaveLength(MAX_LISTED);
  expect(first.recordings[0]!.id).toBe(idOf(MAX_LISTED));
  const last = pageOf(all, { before: first.next });
  expect(ids(last.recordings)).toEqual([idOf(0)]);
  expect(last.next).toBeUndefined();
});

test('more than a thousand come in no answer', () => {
  const all = Array.from({ length: MAX_LISTED + 1 }, (_, number) => at(number, number));
  expect(pageOf(all, { limit: '999999999' })).toMatchObject({ limit: MAX_LISTED });
  expect(pageOf([], { limit: '5' })).toEqual({ recordings: [], limit: 5, next: undefined });
});

test('page by page all are seen once, in order, also those that began at the same moment', () => {
  const some = fc.uniqueArray(fc.tuple(fc.nat(3), fc.nat(30)), { selector: ([, id]) => id });
  fc.assert(
    fc.property(some, fc.integer({ min: 1, max: 5 }), (moments, limit) => {
      const all = moments.map(([createdAt, id]) => at(createdAt, id));
      const seen: string[] = [];
      let before: string | undefined;
      do {
        const page = pageOf(all, { limit: String(limit), before });
        seen.push(...ids(page.recordings));
        before = page.next;
      } while (before !== undefined);
      expect(seen).toEqual(ids([...all].sort(newestFirst)));
    }),
  );
});

test('what is deleted or begun meanwhile neither hides another one nor shows it twice', () => {
  const all = [5, 4, 3, 2, 1].map((moment) => at(moment, moment));
  const { next } = pageOf(all, { limit: '2' });
  const later = [at(6, 6), ...all.filter(({ createdAt }) => createdAt !== 4)];
  expect(ids(pageOf(later, { limit: '2', before: next }).recordings)).toEqual([idOf(3), idOf(2)]);
});

test.each([
  { limit: '0' },
  { limit: '-1' },
  { limit: '1.5' },
  { limit: '' },
  { limit: 'all' },
  { limit: ['1', '2'] as unknown as string },
  { before: '' },
  { before: 'yesterday' },
  { before: '5' },
  { before: `5-${'A'.repeat(16)}` },
  { before: `99999999999999999-${'a'.repeat(16)}` },
])('%j is refused', (asked) => {
  expect(() => pageOf([], asked)).toThrow(expect.objectContaining({ code: 'bad_request' }));
});
