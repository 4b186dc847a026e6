import { createHash } from 'node:crypto';
import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Prober } from '../support/prober.ts';
import { Rig } from '../support/rig.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** An encoder at its own pace and a suspicious viewer, over whatever restarts. */
class Show implements AsyncDisposable {
  readonly prober: Prober;
  readonly got = new Map<string, string>();
  #stopWatching = new AbortController();
  #stopEncoding = new AbortController();
  #watching: Promise<void> = Promise.resolve();
  #encoding: Promise<void> = Promise.resolve();

  private constructor(readonly rig: Rig) {
    this.prober = new Prober({
      url: rig.playlistUrl,
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        if (url.includes('/m/') && init.method === 'GET' && response.ok) {
          this.got.set(url, sha256(new Uint8Array(await response.clone().arrayBuffer())));
        }
        return response;
      },
    });
  }

  static async start(): Promise<Show> {
    const show = new Show(await Rig.start());
    show.encode();
    await show.rig.until('the source appears', () => show.rig.source());
    show.#watching = show.prober.run({ everyMs: 250, signal: show.#stopWatching.signal });
    await show.plays();
    await show.segments(5);
    return show;
  }

  encode(): void {
    this.#stopEncoding = new AbortController();
    this.#encoding = this.rig.encoder.publishPaced(this.#stopEncoding.signal);
  }

  async stopEncoding(): Promise<void> {
    this.#stopEncoding.abort();
    await this.#encoding;
  }

  /** Waits until the viewer is shown one of the two segments that were made last. */
  async plays(withinMs = 15_000): Promise<void> {
    await this.rig.until(
      'the viewer is at the live edge',
      () => {
        const newest = this.prober.playlist?.segments.at(-1);
        const bytes = newest && this.got.get(new URL(newest.uri, this.rig.playlistUrl).href);
        return bytes !== undefined && this.rig.encoder.made.slice(-2).map(sha256).includes(bytes);
      },
      withinMs,
    );
  }

  async segments(count: number): Promise<void> {
    const wanted = this.rig.encoder.made.length + count;
    const within = count * 2_000 + 5_000;
    await this.rig.until(`${count} are made`, () => this.rig.encoder.made.length >= wanted, within);
  }

  /** What broke a rule, but that segments of an earlier process were asked of a control that was down or is new. */
  get broken() {
    return this.prober.violations.filter(({ rule }) => rule !== 'A2' && rule !== 'A1');
  }

  checkBytes(): void {
    const made = new Set(this.rig.encoder.made.map(sha256));
    expect([...this.got.values()].filter((digest) => !made.has(digest))).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopWatching.abort();
    await this.stopEncoding();
    await this.#watching;
    await this.rig[Symbol.asyncDispose]();
  }
}

const mode = async (rig: Rig, wanted: string) => {
  const response = await fetch(`${rig.control.url}/v1/sources/camera-0`, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ mode: wanted }),
  });
  expect(response.status).toBe(200);
};

describe.concurrent('restarts while somebody watches', () => {
  test('a restarted control goes on with the same numbers, and knows its sources and their modes', async () => {
    await using show = await Show.start();
    const { rig, prober } = show;
    await mode(rig, 'always');
    const before = prober.playlist!;
    const stoppedAt = performance.now();
    await rig.control.close();
    await rig.startControl();
    const list = (await (await fetch(`${rig.control.url}/v1/sources`)).json()) as unknown[];
    expect(list).toMatchObject([{ name: 'camera-0', edge: 'edge-1', mode: 'always' }]);
    await show.plays(5_000);
    expect(performance.now() - stoppedAt).toBeLessThan(6_000);
    await show.segments(3);
    await show.plays();
    const after = prober.playlist!;
    expect(after.mediaSequence).toBeGreaterThan(before.mediaSequence);
    // A pause that short is no reason for a break.
    expect(after.discontinuitySequence).toBe(before.segments.at(-1)!.discontinuitySequence);
    expect(show.broken).toEqual([]);
    show.checkBytes();
    expect(await rig.source()).toMatchObject({ mode: 'always', state: 'live' });
  });

  test('the first list of a restarted control is as long as that before, and its segments are there', async () => {
    await using show = await Show.start();
    const { rig, prober } = show;
    await show.segments(3);
    await show.stopEncoding();
    const newest = sha256(rig.encoder.made.at(-1)!);
    await rig.until('the viewer has the last segment', () => [...show.got.values()].includes(newest));
    const before = prober.playlist!;
    await rig.control.close();
    await rig.startControl();
    const response = await fetch(rig.playlistUrl);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(before.text);
    for (const { uri } of before.segments) {
      const segment = await fetch(new URL(uri, rig.playlistUrl));
      expect(segment.status).toBe(200);
      await segment.arrayBuffer();
    }
    expect(show.broken).toEqual([]);
  });

  test('a restarted edge is no break: viewers get 200 throughout', async () => {
    await using show = await Show.start();
    const { rig, prober } = show;
    await rig.edge.close();
    await show.segments(1);
    await rig.startEdge();
    await show.plays(6_000);
    await show.segments(3);
    await show.plays();
    expect(prober.violations).toEqual([]);
    expect(Object.keys(prober.answers)).toEqual(['200']);
    expect(prober.playlist!.segments.filter(({ discontinuity }) => discontinuity)).toEqual([]);
    show.checkBytes();
  });

  test('both nodes restarted: no number is used twice', async () => {
    await using show = await Show.start();
    const { rig } = show;
    await rig.edge.close();
    await rig.control.close();
    await show.segments(1);
    await rig.startControl();
    await rig.startEdge();
    await show.plays(8_000);
    await show.segments(3);
    await show.plays();
    expect(show.broken).toEqual([]);
    show.checkBytes();
  });

  test('a restarted encoder opens a run: the same names, other bytes, one discontinuity', async () => {
    await using show = await Show.start();
    const { rig, prober } = show;
    const before = prober.playlist!.segments.at(-1)!;
    await show.stopEncoding();
    rig.encoder.restart();
    show.encode();
    await show.segments(3);
    await show.plays();
    const opening = prober.playlist!.segments.filter(({ discontinuity }) => discontinuity);
    expect(opening).toHaveLength(1);
    expect(opening[0]!.discontinuitySequence).toBe(before.discontinuitySequence + 1);
    expect(prober.violations).toEqual([]);
    expect(Object.keys(prober.answers)).toEqual(['200']);
    show.checkBytes();
    const listed = prober.playlist!.segments.slice(-3).map(({ uri }) => new URL(uri, rig.playlistUrl).href);
    expect(listed.every((url) => show.got.has(url))).toBe(true);
  });

  test('an edge that was killed goes on where it was', async () => {
    await using show = await Show.start();
    const { rig, prober } = show;
    const folder = join(rig.folder, 'edge');
    await show.stopEncoding();
    await show.plays();
    // What a kill leaves behind is what lies there while it runs.
    await cp(folder, `${folder}-killed`, { recursive: true, filter: (path) => !path.includes('/lock') });
    await rig.edge.close();
    await rm(folder, { recursive: true });
    await rename(`${folder}-killed`, folder);
    await rig.startEdge();
    show.encode();
    await show.segments(3);
    await show.plays();
    expect(prober.violations).toEqual([]);
    expect(Object.keys(prober.answers)).toEqual(['200']);
    show.checkBytes();
  });

  test('an edge whose spool is lost publishes no number twice', async () => {
    await using show = await Show.start();
    const { rig, prober } = show;
    const before = prober.playlist!;
    await rig.edge.close();
    await rm(join(rig.folder, 'edge'), { recursive: true });
    await rig.startEdge();
    await show.plays(8_000);
    await show.segments(4);
    await show.plays();
    expect(prober.violations).toEqual([]);
    expect(Object.keys(prober.answers)).toEqual(['200']);
    const last = before.segments.at(-1)!;
    expect(prober.playlist!.mediaSequence).toBeGreaterThan(last.sequence);
    show.checkBytes();
    // And once more, with control restarted meanwhile: the floors are in the catalog.
    const then = prober.playlist!.segments.at(-1)!;
    await rig.edge.close();
    await rig.control.close();
    await rm(join(rig.folder, 'edge'), { recursive: true });
    await rig.startControl();
    await rig.startEdge();
    await rig.until('new numbers are listed', () => prober.playlist!.mediaSequence > then.sequence);
    await show.plays(8_000);
    expect(show.broken).toEqual([]);
  });
});
