import { describe, expect, test } from 'vitest';
import type { Trouble } from '../../media/error.ts';
import { epochMs } from '../../media/units.ts';
import { FakeClock } from '../../runtime/fake-clock-for-test.ts';
import { Keep } from '../spool/keep.ts';
import { isWanted } from './demand.ts';
import { OnDemand } from './on-demand.ts';

/** A source that is wanted as told, and what became of it: `+` it began, `-` it was told to end, `z` it rests. */
function stage() {
  const clock = new FakeClock();
  const told: string[] = [];
  let wanted = false;
  let stopped: () => void = () => undefined;
  const source = {
    standsBy: false,
    trouble: undefined as Trouble | undefined,
    rest: () => void told.push('z'),
  };
  const onDemand = new OnDemand(source, {
    clock,
    isWanted: () => wanted,
    open: () => {
      told.push('+');
      return {
        stop: () => {
          told.push('-');
          return new Promise((resolve) => {
            stopped = resolve;
          });
        },
      };
    },
    changed: () => undefined,
  });
  const want = (now: boolean) => {
    wanted = now;
  };
  /** What runs of it has ended. */
  const ends = async () => {
    stopped();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, told, source, onDemand, want, ends };
}

describe('a source on demand', () => {
  test('stands by at first, begins within a fifth of a second, and ends ten seconds after nobody wants it', async () => {
    const { clock, told, source, want, ends } = stage();
    clock.pass(60_000);
    expect([told, source.standsBy]).toEqual([['z'], true]);
    want(true);
    clock.pass(200);
    expect(told).toEqual(['z', '+']);
    clock.pass(60_000);
    expect(source.standsBy).toBe(false);
    want(false);
    clock.pass(9_800);
    expect(told).toEqual(['z', '+']);
    clock.pass(400);
    expect([told, source.standsBy]).toEqual([['z', '+', '-'], true]);
    await ends();
    expect(told).toEqual(['z', '+', '-', 'z']);
  });

  test('goes on for who comes back in time', () => {
    const { clock, told, want } = stage();
    want(true);
    clock.pass(1_000);
    for (let turn = 0; turn < 5; turn++) {
      want(false);
      clock.pass(9_000);
      want(true);
      clock.pass(200);
    }
    expect(told).toEqual(['z', '+']);
  });

  test('begins again only when what ran has ended', async () => {
    const { clock, told, want, ends } = stage();
    want(true);
    clock.pass(200);
    want(false);
    clock.pass(11_000);
    want(true);
    clock.pass(5_000);
    expect(told).toEqual(['z', '+', '-']);
    await ends();
    clock.pass(200);
    expect(told).toEqual(['z', '+', '-', 'z', '+']);
  });

  test('is not held for silent in its first ten seconds, unless it is in trouble', () => {
    const { clock, source, want } = stage();
    want(true);
    clock.pass(9_000);
    expect(source.standsBy).toBe(true);
    source.trouble = { code: 'pull_failed', detail: '', hint: '' };
    clock.pass(200);
    expect(source.standsBy).toBe(false);
  });

  test('that is no longer configured ends for good, also while it ends already', async () => {
    const { clock, told, source, onDemand, want, ends } = stage();
    want(true);
    clock.pass(200);
    want(false);
    clock.pass(11_000);
    const stopping = onDemand.stop();
    want(true);
    await ends();
    await stopping;
    clock.pass(60_000);
    expect([told, source.standsBy]).toEqual([['z', '+', '-', 'z'], false]);
  });
});

test.each([
  ['nobody', {}, [], false],
  ['control', { forwarded: true }, [], true],
  ['the LAN', { watched: true }, [], true],
  ['a recording that goes on', {}, [{ from: 0 }], true],
  ['one that ends later', {}, [{ from: 0, until: 100_001 }], true],
  ['one that has ended', {}, [{ from: 0, until: 100_000 }], false],
  ['one that begins in ten seconds', {}, [{ from: 110_000 }], true],
  ['one that begins later', {}, [{ from: 110_001 }], false],
  ['one of several', {}, [{ from: 0, until: 5 }, { from: 5 }], true],
])('a source that %s wants is wanted so', (_, by, spans, wanted) => {
  const keep = new Keep(
    spans.map(({ from, until }: { from: number; until?: number }) => ({
      from: epochMs(from),
      ...(until !== undefined && { until: epochMs(until) }),
    })),
    epochMs(0),
  );
  const source = { renditions: [{ keep }] } as unknown as Parameters<typeof isWanted>[0];
  expect(isWanted(source, { forwarded: false, watched: false, now: epochMs(100_000), ...by })).toBe(wanted);
});
