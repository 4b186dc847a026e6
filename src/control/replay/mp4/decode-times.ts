import type { Run, Sample } from './fragment-header.ts';

/**
 * How much later a picture is shown than it would be if pictures were shown as they are decoded: 0 without B-frames.
 * `shown` are presentation times in the order of decoding.
 */
export function reorderDelay(shown: readonly number[]): number {
  const sorted = shown.toSorted((a, b) => a - b);
  return sorted.reduce((most, time, index) => Math.max(most, time - shown[index]!), 0);
}

/**
 * Decodes every picture `delay` earlier, and none later than it is shown. mediabunny takes the sorted presentation
 * times for decode times, so that pictures of B-frames would be shown before they are decoded (a negative composition
 * offset). The standard allows that, but ffmpeg and Chromium then show all pictures of the track later, against the sound.
 * The times when pictures are shown do not change. What more than `delay` would be needed for, and what would lie before
 * 0, is decoded in quick succession.
 */
export function decodeEarlier(run: Run, delay: number): Run {
  const { samples } = run;
  const sorted: number[] = [];
  let time = run.begin;
  for (const { duration } of samples) {
    sorted.push(time);
    time += duration;
  }
  const shown = samples.map(({ composition }, index) => sorted[index]! + composition);
  const latest = shown.slice();
  for (let index = latest.length - 2; index >= 0; index--) {
    latest[index] = Math.min(latest[index]!, latest[index + 1]! - 1);
  }
  let before = -1;
  const decoded = sorted.map((wanted, index) => {
    before = Math.max(before + 1, Math.min(wanted - delay, latest[index]!));
    return before;
  });
  const moved = samples.map((sample, index): Sample => {
    const next = decoded[index + 1];
    const duration = next === undefined ? sample.duration : next - decoded[index]!;
    return { ...sample, duration, composition: shown[index]! - decoded[index]! };
  });
  return { ...run, begin: decoded[0] ?? run.begin, samples: moved };
}
