import { beforeEach, describe, expect, test } from 'vitest';
import type { NeedingSegment } from '../../hls/segment-needs.ts';
import type { EncoderSegment } from '../../media/segment-record.ts';
import { bytes, epochMs, millis, seconds } from '../../media/units.ts';
import { Rivals } from './rivals.ts';

/** A series of playlists: its files, and what was taken of them. */
class Series {
  #newest = -1;
  readonly taken = new Map<number, EncoderSegment>();

  constructor(
    readonly name: string,
    private readonly modifiedAt: number,
  ) {}

  /** The next playlist lists the newest four. */
  next(): readonly NeedingSegment[] {
    this.#newest += 1;
    const first = Math.max(0, this.#newest - 3);
    return Array.from({ length: this.#newest - first + 1 }, (_, at) => this.#entry(first + at));
  }

  /** It is taken in. */
  take(entries: readonly NeedingSegment[]): void {
    for (const { sequence, uri } of entries) {
      const modifiedAt = epochMs(this.modifiedAt);
      this.taken.set(sequence, { sequence, name: uri, bytes: bytes(188), modifiedAt, targetDuration: 1 });
    }
  }

  get newest(): number {
    return this.#newest;
  }

  see = async () => ({ bytes: bytes(188), modifiedAt: epochMs(this.modifiedAt) });

  #entry(sequence: number): NeedingSegment {
    const uri = `${this.name}-${sequence}.ts`;
    return { sequence, uri, line: 1, duration: seconds(1), tags: [] } as unknown as NeedingSegment;
  }
}

let rivals: Rivals;
let now: number;
let running: Series | undefined;
beforeEach(() => {
  rivals = new Rivals();
  now = 0;
  running = undefined;
});

/** Sends the next playlist of a series a second later, as the edge takes it in: a run opens where another one was there. */
async function send(series: Series): Promise<'goes on' | 'run' | 'comes back'> {
  now += 1_000;
  const entries = series.next();
  const back = await rivals.comesBack(entries, series.see, millis(now), 1);
  const opens = back || running !== series;
  if (opens) rivals.opened(back);
  running = series;
  series.take(entries);
  rivals.fed(series.newest, series.taken, millis(now));
  if (back) return 'comes back';
  return opens ? 'run' : 'goes on';
}

const busy = { code: 'source_busy' };

describe('two encoders of one rendition', () => {
  test('a restart is taken at once, and the old series does not come back', async () => {
    const [before, after] = [new Series('a', 1), new Series('b', 2)];
    for (let made = 0; made < 6; made++) await send(before);
    expect(await send(after)).toBe('run');
    for (let made = 0; made < 20; made++) expect(await send(after)).toBe('goes on');
  });

  test('the one that came later is refused when the first comes back for the second time', async () => {
    const [first, later] = [new Series('a', 1), new Series('b', 2)];
    for (let made = 0; made < 4; made++) await send(first);
    expect(await send(later)).toBe('run');
    expect(await send(first)).toBe('comes back');
    await expect(send(later)).rejects.toMatchObject(busy);
    for (let made = 0; made < 9; made++) {
      expect(await send(first)).toBe('goes on');
      await expect(send(later)).rejects.toMatchObject(busy);
    }
  });

  test('it is taken again once the first is silent for three target durations', async () => {
    const [first, later] = [new Series('a', 1), new Series('b', 2)];
    await send(first);
    await send(later);
    await send(first);
    await expect(send(later)).rejects.toMatchObject(busy);
    await expect(send(later)).rejects.toMatchObject(busy);
    await expect(send(later)).rejects.toMatchObject(busy);
    expect(await send(later)).toBe('run');
    expect(await send(later)).toBe('goes on');
  });

  test('with the same names are told apart by their files', async () => {
    const [first, later] = [new Series('cam', 1), new Series('cam', 2)];
    await send(first);
    await send(later);
    expect(await send(first)).toBe('comes back');
    await expect(send(later)).rejects.toMatchObject(busy);
  });

  test('a single late playlist of the first is no rival', async () => {
    const [first, later] = [new Series('a', 1), new Series('b', 2)];
    for (let made = 0; made < 4; made++) await send(first);
    await send(later);
    expect(await send(first)).toBe('comes back');
    now += 5_000;
    expect(await send(later)).toBe('run');
    for (let made = 0; made < 9; made++) expect(await send(later)).toBe('goes on');
  });
});
