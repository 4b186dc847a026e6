import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TransportStreamCheck } from '../../src/mpegts/transport-stream-check.ts';
import { readPlaylist } from '../support/prober-playlist.ts';
import { Rig } from '../support/rig.ts';
import { History, readHistory } from './history.ts';
import type { Move } from './move.ts';
import { factsOf } from './obligations.ts';
import { SegmentBook } from './replayed.ts';
import { chooseSeed, prngOf } from './seed.ts';
import { idOf, segmentBytes, sha256, splitAtPats, untimedSha256 } from './segment-bytes.ts';
import { SourceSimulator } from './simulator.ts';

const BYTES = 8_000;

describe('the bytes of a segment', () => {
  const of = (run: number, sequence: number, size?: number) =>
    segmentBytes('s', 'camera-0', run, sequence, 500, size);

  test('are a whole transport stream that lasts its time', () => {
    for (const [durationMs, size] of [
      [500, 1_000],
      [500, 60_000],
      [2_000, 900_000],
      [40, 500],
    ] as const) {
      const bytes = segmentBytes('s', 'camera-0', 0, 7, durationMs, size);
      const check = new TransportStreamCheck();
      check.push(bytes);
      expect(check.verdict()).toBe('ok');
      if (durationMs > 100) expect(check.span / (durationMs / 1000)).toBeGreaterThanOrEqual(0.95);
      expect(check.span * 1000).toBeLessThan(durationMs);
    }
  });

  test('are the same for the same arguments and others for any other', () => {
    expect(of(1, 2).equals(of(1, 2))).toBe(true);
    const all = [of(1, 2), of(2, 1), of(1, 3), of(1, 2, 61_000), segmentBytes('t', 'camera-0', 1, 2, 500)];
    expect(new Set(all.map(sha256)).size).toBe(all.length);
    expect(of(1, 2).length).toBeGreaterThan(60_000 - 188);
    expect(idOf(of(12, 345))).toEqual({ run: 12, sequence: 345 });
  });

  test('are found again in one file, also where their times were shifted', () => {
    const pieces = splitAtPats(Buffer.concat([of(0, 1), of(0, 2)]));
    expect(pieces.map(sha256)).toEqual([of(0, 1), of(0, 2)].map(sha256));
    const later = Buffer.from(of(0, 1));
    later[188 * 2 + 9]! ^= 1; // in the clock
    expect(sha256(later)).not.toBe(sha256(of(0, 1)));
    expect(untimedSha256(later)).toBe(untimedSha256(of(0, 1)));
  });
});

test('a seed gives one schedule, and purposes do not disturb each other', () => {
  const draw = (seed: string, purpose: string) =>
    Array.from({ length: 5 }, () => prngOf(seed, purpose).next());
  expect(draw('a', 'x')).toEqual(draw('a', 'x'));
  expect(draw('a', 'x')).not.toEqual(draw('a', 'y'));
  expect(chooseSeed({ LIVEMIX_SEED: 'given' })).toBe('given');
  expect(chooseSeed({})).not.toBe(chooseSeed({}));
  const prng = prngOf('a', 'mean');
  const many = Array.from({ length: 10_000 }, () => prng.integer(1, 6));
  expect(new Set(many)).toEqual(new Set([1, 2, 3, 4, 5, 6]));
  expect(many.reduce((sum, one) => sum + one, 0) / many.length).toBeCloseTo(3.5, 1);
});

/** A simulator before an edge that stands alone, without real time between the segments. */
class Scene implements AsyncDisposable {
  readonly history: History;
  readonly simulator: SourceSimulator;

  private constructor(
    readonly rig: Rig,
    private readonly folder: string,
    options: { cleanUp?: 'keep' | 'truncate' | 'unlink' },
  ) {
    this.history = new History(join(folder, 'history.jsonl'));
    this.simulator = new SourceSimulator({
      ...{ seed: 's', history: this.history, edgeUrl: rig.edge.url, bytes: BYTES, ...options },
      folder: join(rig.encoder.folder, 'sim'),
      clock: { monotonic: () => performance.now(), sleep: (ms) => pause(Math.min(ms, 60)) },
    });
  }

  static async start(options: { cleanUp?: 'keep' | 'truncate' | 'unlink' } = {}): Promise<Scene> {
    const scene = new Scene(
      await Rig.start({ lanOnly: true }),
      mkdtempSync(join(tmpdir(), 'livemix-history-')),
      options,
    );
    await scene.simulator.files.create();
    return scene;
  }

  /** Segments in a row, each answered before the next. */
  async steps(count: number): Promise<void> {
    for (let done = 0; done < count; done++) {
      await this.simulator.step();
      await this.simulator.answered();
    }
  }

  async move(move: Move): Promise<void> {
    void this.simulator.play(move);
    await this.steps(1);
  }

  /** What the edge lists to its LAN: `0/3`, `gap`, with `| ` before a discontinuity, `?` for bytes of nobody. */
  async story(): Promise<string[]> {
    const url = `${this.rig.edge.url}/live/camera-0/index.m3u8`;
    const { segments } = readPlaylist(await (await fetch(url)).text());
    const made = [...factsOf(this.history.events).values()].map(({ segment }) => segment);
    const spec = { seed: 's', source: 'camera-0', durationMs: 500, bytes: BYTES };
    const book = new SegmentBook(spec, made);
    return Promise.all(
      segments.map(async ({ uri, gap, discontinuity }) => {
        const bytes = gap ? undefined : await (await fetch(new URL(uri, url))).arrayBuffer();
        const found = bytes && book.find(new Uint8Array(bytes));
        const word = gap ? 'gap' : found ? `${found.run}/${found.sequence}` : '?';
        return discontinuity ? `| ${word}` : word;
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.simulator.answered();
    this.history[Symbol.dispose]();
    await this.rig[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describe.concurrent('an edge takes what the simulator makes', () => {
  test('segments as they are, and the history tells when', async () => {
    await using scene = await Scene.start();
    await scene.steps(8);
    expect((await scene.story()).slice(-6)).toEqual(['0/2', '0/3', '0/4', '0/5', '0/6', '0/7']);
    const events = readHistory(scene.history.path);
    expect(events).toEqual(scene.history.events);
    expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).sort((a, b) => a - b));
    const fact = factsOf(events).get('0/4')!;
    expect(fact.posts).toHaveLength(4);
    expect(fact.posts.every(({ status }) => status === 200)).toBe(true);
    expect(fact.posts[0]!.sentAt).toBeLessThan(fact.posts[0]!.answeredAt!);
    expect(fact.wholeAt).toBeLessThan(fact.announcedAt);
  });

  test.each([
    ['keep', [true, BYTES - (BYTES % 188)]],
    ['truncate', [true, 0]],
    ['unlink', [false, undefined]],
  ] as const)('old files: %s', async (cleanUp, [there, size]) => {
    await using scene = await Scene.start({ cleanUp });
    await scene.steps(8);
    const path = join(scene.simulator.files.path, 'cam-0000.ts');
    expect(existsSync(path)).toBe(there);
    if (there) expect(statSync(path).size).toBe(size);
    expect(readFileSync(join(scene.simulator.files.path, 'cam-0002.ts')).length).toBeGreaterThan(0);
    expect(factsOf(scene.history.events).get('0/0')!.spoiledAt < Number.POSITIVE_INFINITY).toBe(
      cleanUp !== 'keep',
    );
  });

  test('posts twice, at once, late and out of order: each segment once', async () => {
    await using scene = await Scene.start();
    await scene.steps(3);
    await scene.move({ kind: 'duplicate', times: 10 });
    await scene.move({ kind: 'together' });
    await scene.move({ kind: 'replay', back: 8 });
    await scene.move({ kind: 'reorder' });
    expect((await scene.story()).slice(-6)).toEqual(['0/2', '0/3', '0/4', '0/5', '0/6', '0/7']);
    const moves = scene.history.events.flatMap((event) => (event.type === 'announce' ? [event.move] : []));
    expect(moves.filter((move) => move === 'duplicate')).toHaveLength(10);
    expect(moves.filter((move) => move === 'together')).toHaveLength(2);
  });

  test.each([true, false])('a restart, under the same names: %s', async (sameNames) => {
    await using scene = await Scene.start();
    await scene.steps(4);
    await scene.move({ kind: 'restart', afterMs: 10, sameNames });
    await scene.steps(1);
    expect(await scene.story()).toEqual(['0/0', '0/1', '0/2', '0/3', '| 1/0', '1/1']);
  });

  test('files that are half written are taken whole; what is spoiled is a gap', async () => {
    await using scene = await Scene.start();
    await scene.steps(2);
    await scene.move({ kind: 'partial', completesAfterMs: 60 });
    await scene.move({ kind: 'truncate' });
    await scene.move({ kind: 'unlink' });
    await scene.steps(1);
    expect(await scene.story()).toEqual(['0/0', '0/1', '0/2', 'gap', 'gap', '0/5']);
  });

  test('a name that comes twice, and posts that are lost, are gaps', async () => {
    await using scene = await Scene.start();
    await scene.steps(2);
    await scene.move({ kind: 'same-name', posted: false });
    await scene.steps(2);
    expect(await scene.story()).toEqual(['0/0', '0/1', 'gap', '0/3', '0/4', '0/5']);
    await scene.move({ kind: 'lose-posts', count: 6 });
    expect((await scene.story()).slice(-6)).toEqual(['gap', '0/8', '0/9', '0/10', '0/11', '0/12']);
  });

  test('numbers that are left out open a run', async () => {
    await using scene = await Scene.start();
    await scene.steps(5);
    await scene.move({ kind: 'jump', numbers: 7 });
    expect((await scene.story()).slice(-2)).toEqual(['0/4', '| 0/12']);
  });

  test('in real time a segment comes every period', async () => {
    await using scene = await Scene.start();
    const live = new SourceSimulator({
      ...{ seed: 's', history: scene.history, edgeUrl: scene.rig.edge.url, bytes: BYTES },
      ...{ folder: join(scene.rig.encoder.folder, 'live'), source: 'camera-9', durationMs: 100 },
    });
    await live.pace(AbortSignal.timeout(1_050));
    expect(live.made).toBeGreaterThanOrEqual(9);
    expect(live.made).toBeLessThanOrEqual(11);
  });
});
