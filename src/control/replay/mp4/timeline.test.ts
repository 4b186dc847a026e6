import { expect, test } from 'vitest';
import { TICKS_PER_SECOND, TICKS_WRAP } from '../../../mpegts/ticks.ts';
import { Timeline } from './timeline.ts';

const seconds = (value: number) => value * TICKS_PER_SECOND;
/** Two seconds of sound and picture that begin at `first`; the picture half a second later. */
const extents = (first: number) => [
  { track: 'audio1', first, last: first + seconds(1.9), end: first + seconds(2) },
  { track: 'video1', first: first + seconds(0.5), last: first + seconds(2.4), end: first + seconds(2.5) },
];

test.each([
  ['what follows is not moved', seconds(2), false, seconds(2), false],
  ['a hole in a run stays', seconds(9), false, seconds(9), false],
  ['a hole that is too long is closed', seconds(90), false, seconds(2.5), true],
  ['a discontinuity is joined, whatever its times', seconds(2), true, seconds(2.5), true],
  ['times that go back are joined', -seconds(60), false, seconds(2.5), true],
  ['times that overlap are joined', seconds(1), false, seconds(2.5), true],
  ['the clock goes on at 0', seconds(2) - TICKS_WRAP, false, seconds(2), false],
])('%s', (_, next, discontinuity, expected, joined) => {
  const timeline = new Timeline();
  const first = 12_345_678;
  expect(timeline.place(extents(first), false)).toEqual({ by: -first, joined: true });
  const placed = timeline.place(extents(first + next), discontinuity);
  expect(placed).toEqual({ by: expected - (first + next), joined });
  expect(timeline.end).toBe(expected + seconds(2.5));
});
