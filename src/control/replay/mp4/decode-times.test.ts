import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeEarlier, reorderDelay } from './decode-times.ts';

/** Pictures in the order of decoding, as mediabunny writes them: decode times are the sorted presentation times. */
function runOf(shown: readonly number[]) {
  const sorted = shown.toSorted((a, b) => a - b);
  const samples = shown.map((time, index) => ({
    duration: (sorted[index + 1] ?? sorted[index]! + 40) - sorted[index]!,
    size: 1,
    flags: 0,
    composition: time - sorted[index]!,
  }));
  return { track: 1, begin: sorted[0]!, samples };
}

function timesOf({ begin, samples }: ReturnType<typeof decodeEarlier>) {
  let time = begin;
  return samples.map(({ duration, composition }) => {
    const decoded = time;
    time += duration;
    return { decoded, shown: decoded + composition };
  });
}

test('B-frames are decoded before they are shown, and shown as before', () => {
  const shown = [1040, 1160, 1080, 1120, 1280, 1200, 1240];
  expect(reorderDelay(shown)).toBe(40);
  expect(timesOf(decodeEarlier(runOf(shown), 40))).toEqual(
    shown.map((time, index) => ({ decoded: 1000 + 40 * index, shown: time })),
  );
});

test('without B-frames nothing changes', () => {
  const run = runOf([0, 40, 80, 120]);
  expect(decodeEarlier(run, reorderDelay([0, 40, 80, 120]))).toEqual(run);
});

test('whatever the order, nothing is shown before it is decoded, at another time, or decoded before 0', () => {
  const orders = fc
    .uniqueArray(fc.nat(500), { minLength: 1, maxLength: 40 })
    .map((at) => at.map((t) => 100 + t * 40));
  fc.assert(
    fc.property(orders, fc.nat(2000), (shown, delay) => {
      const times = timesOf(decodeEarlier(runOf(shown), delay));
      expect(times.map((each) => each.shown)).toEqual(shown);
      times.forEach(({ decoded, shown: at }, index) => {
        expect(decoded).toBeLessThanOrEqual(at);
        expect(decoded).toBeGreaterThan(times[index - 1]?.decoded ?? -1);
      });
    }),
  );
});
