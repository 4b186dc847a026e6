import fc from 'fast-check';
import { expect, test } from 'vitest';
import { recordForTest } from '../../media/record-for-test.ts';
import { epochMs } from '../../media/units.ts';
import { Keep } from './keep.ts';

const from = (seconds: number, until?: number) => ({
  from: epochMs(seconds * 1000),
  ...(until !== undefined && { until: epochMs(until * 1000) }),
});
const numbers = (records: Iterable<{ sequence: number }>) => [...records].map(({ sequence }) => sequence);
const window = [0, 1, 2, 3, 4].map((sequence) => recordForTest(sequence));

test('what a span covers is wanted until it is settled', () => {
  const keep = new Keep([from(3, 7)], epochMs(0));
  expect(numbers(keep.unsettled(window))).toEqual([1, 2, 3]);
  expect(keep.backlog(window)).toBe(3_000);
  keep.settle(2);
  expect(numbers(keep.unsettled(window))).toEqual([1, 3]);
});

test('a wanted segment that leaves the window is held, oldest first, until it is settled', () => {
  const keep = new Keep([from(0)], epochMs(0));
  expect(keep.leftWindow(window[0]!)).toBe(false);
  expect(numbers(keep.unsettled(window.slice(1)))).toEqual([0, 1, 2, 3, 4]);
  expect(keep.settle(0)).toBe(window[0]);
  expect(numbers(keep.unsettled(window.slice(1)))).toEqual([1, 2, 3, 4]);
  expect(keep.settle(1)).toBeUndefined();
});

test('what is let go is beyond reach, stored or not: what is stored may be deleted later', () => {
  const keep = new Keep([], epochMs(0));
  expect(keep.reach).toBe(0);
  expect(keep.leftWindow(window[0]!)).toBe(true);
  expect(keep.reach).toBe(2_000);
  keep.setSpans([from(2)]);
  expect(keep.leftWindow(window[1]!)).toBe(false);
  expect(keep.reach).toBe(2_000);
  keep.settle(1);
  expect(keep.reach).toBe(4_000);
});

test('what was settled for another recording is announced again: it may have been deleted', () => {
  const keep = new Keep([from(0)], epochMs(0));
  for (const { sequence } of window) keep.settle(sequence);
  expect(numbers(keep.unsettled(window))).toEqual([]);
  keep.setSpans([from(4, 6)]);
  expect(numbers(keep.unsettled(window))).toEqual([2]);
});

test('when nobody wants them any more, held segments are freed', () => {
  const keep = new Keep([from(0)], epochMs(0));
  keep.leftWindow(window[0]!);
  keep.leftWindow(window[1]!);
  expect(numbers(keep.setSpans([from(2)]))).toEqual([0]);
  expect(numbers(keep.unsettled(window.slice(2)))).toEqual([1, 2, 3, 4]);
  expect(numbers(keep.setSpans([]))).toEqual([1]);
  expect(numbers(keep.unsettled(window.slice(2)))).toEqual([]);
});

test('bytes that were lost are announced as a gap, in their place', () => {
  const keep = new Keep([from(0)], epochMs(0));
  keep.lose(window[1]!, 'spool_corrupt');
  expect([...keep.unsettled(window)][1]).toMatchObject({
    sequence: 1,
    gap: 'spool_corrupt',
    digest: '',
    bytes: 0,
  });
});

test('a spool that follows another one reaches back to its own beginning only', () => {
  const keep = new Keep([], epochMs(0));
  keep.beganAt(epochMs(5_000));
  keep.beganAt(epochMs(4_000));
  expect(keep.reach).toBe(5_000);
});

test('what was settled before nobody wanted it comes again for the next recording, from an idle window, too', () => {
  const keep = new Keep([from(0)], epochMs(0));
  // Control had been told to stop; the edge had not heard of it yet.
  keep.settle(4);
  keep.setSpans([from(0, 8)]);
  keep.setSpans([from(0, 8), from(8, 10)]);
  expect(numbers(keep.unsettled(window))).toEqual([0, 1, 2, 3, 4]);
});

test('what is freed because nobody wants it is beyond reach afterwards', () => {
  const keep = new Keep([from(0)], epochMs(0));
  keep.leftWindow(window[0]!);
  keep.leftWindow(window[1]!);
  keep.setSpans([]);
  expect(keep.reach).toBe(4_000);
});

test('two spans apart hold what each covers, and nothing between them', () => {
  const keep = new Keep([from(0, 2), from(6, 8)], epochMs(0));
  expect(window.filter((record) => !keep.leftWindow(record)).map(({ sequence }) => sequence)).toEqual([0, 3]);
  expect(numbers(keep.unsettled([]))).toEqual([0, 3]);
});

test('lost bytes stay a gap when their segment leaves the window, until that is settled', () => {
  const keep = new Keep([from(0)], epochMs(0));
  keep.lose(window[0]!, 'spool_corrupt');
  keep.leftWindow(window[0]!);
  expect([...keep.unsettled([])]).toMatchObject([{ sequence: 0, gap: 'spool_corrupt' }]);
  expect(keep.backlog([])).toBe(0);
  expect(keep.settle(0)).toBe(window[0]);
  expect([...keep.unsettled([])]).toEqual([]);
});

test('what was synced is not synced again while it is held', () => {
  const keep = new Keep([from(0)], epochMs(0));
  keep.markDurable(window[0]!);
  keep.leftWindow(window[0]!);
  expect(keep.isDurable(window[0]!)).toBe(true);
  keep.settle(0);
  expect(keep.isDurable(window[0]!)).toBe(false);
});

test('whatever happens, the backlog is what is announced: neither more nor less', () => {
  const act = fc.record({ kind: fc.constantFrom('leave', 'settle', 'lose', 'spans'), number: fc.nat(9) });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      const keep = new Keep([from(0)], epochMs(0));
      const inWindow = Array.from({ length: 10 }, (_, sequence) => recordForTest(sequence));
      const all = [...inWindow];
      for (const { kind, number } of acts) {
        if (kind === 'leave' && inWindow.length > 0) keep.leftWindow(inWindow.shift()!);
        if (kind === 'settle') keep.settle(number);
        if (kind === 'spans') keep.setSpans(number % 2 === 0 ? [from(number)] : [from(0, number)]);
        const isThere = [...keep.unsettled(inWindow)].some(({ sequence }) => sequence === number);
        if (kind === 'lose' && isThere) keep.lose(all[number]!, 'spool_corrupt');
        const announced = [...keep.unsettled(inWindow)].reduce((sum, record) => sum + record.bytes, 0);
        expect(keep.backlog(inWindow)).toBe(announced);
      }
    }),
  );
});

test('with twenty thousand segments held, asking for the backlog looks at none of them', () => {
  let looks = 0;
  const get = () => {
    looks += 1;
    return 1_000;
  };
  const keep = new Keep([from(0)], epochMs(0));
  for (let sequence = 0; sequence < 20_000; sequence++) {
    keep.leftWindow(Object.defineProperty({ ...recordForTest(sequence) }, 'bytes', { get }));
  }
  looks = 0;
  expect(keep.backlog([])).toBe(20_000_000);
  expect(looks).toBe(0);
});
