import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { FakeClock } from '../runtime/fake-clock-for-test.ts';
import { Presence } from './presence.ts';

const viewer = (remoteAddress: string, agent?: string) =>
  ({ socket: { remoteAddress }, headers: { 'user-agent': agent } }) as unknown as IncomingMessage;

function start() {
  const clock = new FakeClock();
  clock.pass(100_000);
  return { clock, presence: new Presence(clock) };
}

test('nobody watches what nobody asked for', () => {
  const { presence } = start();
  expect(presence.isWatched('camera-0', 2)).toBe(false);
  expect(presence.viewers('camera-0', 2)).toBe(0);
});

test.each([
  [1, 15_000],
  [5, 15_000],
  [10, 30_000],
  [60, 180_000],
])('with a target duration of %i s presence lasts %i ms', (target, lasts) => {
  const { clock, presence } = start();
  presence.polled('camera-0', 'main', viewer('10.0.0.1', 'player'));
  clock.pass(lasts - 1);
  expect(presence.isWatched('camera-0', target)).toBe(true);
  expect(presence.viewers('camera-0', target)).toBe(1);
  clock.pass(2);
  expect(presence.isWatched('camera-0', target)).toBe(false);
  expect(presence.viewers('camera-0', target)).toBe(0);
});

test('a segment that is asked for goes on with presence, and makes no viewer', () => {
  const { clock, presence } = start();
  presence.touched('camera-0', 'main');
  expect(presence.isWatched('camera-0', 1)).toBe(true);
  expect(presence.viewers('camera-0', 1)).toBe(0);
  clock.pass(14_000);
  presence.touched('camera-0', 'main');
  clock.pass(14_000);
  expect(presence.isWatched('camera-0', 1)).toBe(true);
});

test('presence goes on while a long segment is being sent, and so long after it', () => {
  const { clock, presence } = start();
  const first = presence.sending('camera-0', 'main');
  const second = presence.sending('camera-0', 'main');
  clock.pass(60_000);
  first();
  clock.pass(60_000);
  expect(presence.isWatched('camera-0', 1)).toBe(true);
  second();
  clock.pass(14_000);
  expect(presence.isWatched('camera-0', 1)).toBe(true);
  clock.pass(2_000);
  expect(presence.isWatched('camera-0', 1)).toBe(false);
});

test('viewers are told apart by address and user agent', () => {
  const { presence } = start();
  presence.polled('camera-0', 'main', viewer('10.0.0.1', 'player'));
  presence.polled('camera-0', 'main', viewer('10.0.0.1', 'player'));
  expect(presence.viewers('camera-0', 1)).toBe(1);
  presence.polled('camera-0', 'main', viewer('10.0.0.1', 'other'));
  presence.polled('camera-0', 'main', viewer('10.0.0.2', 'player'));
  presence.polled('camera-0', 'main', viewer('10.0.0.2'));
  expect(presence.viewers('camera-0', 1)).toBe(4);
});

test('each source has its own viewers, and each of them leaves by itself', () => {
  const { clock, presence } = start();
  presence.polled('camera-0', 'main', viewer('10.0.0.1'));
  presence.polled('camera-1', 'main', viewer('10.0.0.1'));
  clock.pass(10_000);
  presence.polled('camera-0', 'main', viewer('10.0.0.2'));
  clock.pass(10_000);
  expect(presence.viewers('camera-0', 1)).toBe(1);
  expect(presence.viewers('camera-1', 1)).toBe(0);
  expect(presence.isWatched('camera-0', 1)).toBe(true);
  expect(presence.isWatched('camera-1', 1)).toBe(false);
});

test('renditions are watched one by one; who asks which there are watches none', () => {
  const { clock, presence } = start();
  presence.polled('camera-0', undefined, viewer('10.0.0.1'));
  expect(presence.watchedOf('camera-0', 1)).toEqual([]);
  expect(presence.viewers('camera-0', 1)).toBe(1);
  presence.polled('camera-0', 'low', viewer('10.0.0.1'));
  clock.pass(10_000);
  presence.polled('camera-0', 'high', viewer('10.0.0.1'));
  expect(presence.watchedOf('camera-0', 1)).toEqual(['low', 'high']);
  clock.pass(6_000);
  expect(presence.watchedOf('camera-0', 1)).toEqual(['high']);
  expect(presence.viewers('camera-0', 1)).toBe(1);
});

test('each rendition is watched by itself, one viewer may watch several, and whoever only reads their names watches none', () => {
  const { clock, presence } = start();
  const one = viewer('10.0.0.1', 'player');
  presence.polled('ladder', undefined, one);
  expect(presence.watchedOf('ladder', 2)).toEqual([]);
  expect(presence.viewers('ladder', 2)).toBe(1);
  presence.polled('ladder', 'high', one);
  presence.polled('ladder', 'sound', one);
  expect(presence.watchedOf('ladder', 2)).toEqual(['high', 'sound']);
  clock.pass(10_000);
  presence.polled('ladder', 'sound', one);
  presence.polled('ladder', 'low', one);
  clock.pass(10_000);
  expect(presence.watchedOf('ladder', 2)).toEqual(['sound', 'low']);
  const sent = presence.sending('ladder', 'high');
  clock.pass(60_000);
  expect(presence.watchedOf('ladder', 2)).toEqual(['high']);
  sent();
  expect(presence.viewers('ladder', 2)).toBe(0);
});
