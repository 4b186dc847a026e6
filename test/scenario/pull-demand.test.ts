import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Audience } from '../support/encoder.ts';
import { HlsServer } from '../support/hls-server.ts';
import { Rig, type RigOptions } from '../support/rig.ts';

/** A camera that films in real time, a segment a second, and an edge that pulls it on demand. */
class Filming implements AsyncDisposable {
  readonly #ending = new AbortController();
  readonly #filming: Promise<void>;

  private constructor(
    readonly rig: Rig,
    readonly camera: HlsServer,
  ) {
    this.#filming = this.#film();
  }

  static async start(options: RigOptions = {}): Promise<Filming> {
    const rig = await Rig.start(options);
    const camera = await HlsServer.start(() => rig.encoder.folder);
    camera.playlist = () => rig.encoder.playlist();
    for (let made = 0; made < 3; made++) await rig.encoder.make();
    const filming = new Filming(rig, camera);
    const input = { kind: 'pull', url: camera.url } as const;
    await rig.edge.configure({ sources: [{ name: 'camera-0', input, when: 'on-demand' }], faults: [] });
    return filming;
  }

  /** Waits until the edge no longer pulls. Gives how often the camera had been asked until then. */
  async stops(withinMs: number): Promise<number> {
    const ended = () => this.rig.logs.some(({ msg }) => msg === 'the edge no longer brings a source in');
    await this.rig.until('the edge asks the camera no more', ended, withinMs);
    return this.camera.asked.length;
  }

  async #film(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await sleep(1_000, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.rig.encoder.make();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#filming;
    await this.rig[Symbol.asyncDispose]();
    await this.camera[Symbol.asyncDispose]();
  }
}

/** Plays until the newest segment that the camera had made when it was asked is on the list. */
async function plays(audience: Audience, rig: Rig): Promise<string[]> {
  await audience.sees(`0/${rig.encoder.next}`, 8_000);
  return audience.watchers[0]!.story();
}

test.concurrent('a source on demand is idle and unasked; a viewer’s first GET starts it, it ends after the last, and nothing old is shown after the pause', async () => {
  await using filming = await Filming.start();
  const { rig, camera } = filming;
  const source = await rig.until('control lists the source', () => rig.source());
  expect(source).toMatchObject({ state: 'idle', ingestedBytes: 0 });
  expect(source['trouble']).toBeUndefined();
  expect(camera.asked).toEqual([]);

  const begun = performance.now();
  const first = await fetch(rig.playlistUrl);
  expect(first.status).toBe(200);
  expect(performance.now() - begun).toBeLessThan(5_000);
  const viewer = new Audience([rig.playlistUrl], rig.encoder.labels);
  const seen = await plays(viewer, rig);
  expect(seen.every((label) => /^0\/\d+$/.test(label))).toBe(true);
  expect((await rig.source())?.['state']).toBe('live');
  expect(viewer.watchers[0]!.prober.violations).toEqual([]);
  const newest = Number(seen.at(-1)!.slice(2));

  // Presence lasts 15 s, and the edge goes on for 10 s more.
  const asked = await filming.stops(40_000);
  const paused = rig.encoder.next;
  await rig.until('control shows it as idle', async () => (await rig.source())?.['state'] === 'idle');
  await rig.until('the camera films on', () => rig.encoder.next > paused + 2);
  expect(camera.asked.length).toBe(asked);

  const again = new Audience([rig.playlistUrl], rig.encoder.labels);
  await rig.until('it plays again', async () => (await fetch(rig.playlistUrl)).ok);
  await again.poll();
  const first2 = Number(again.watchers[0]!.story()[0]!.replace('| ', '').slice(2));
  expect(first2).toBeGreaterThan(newest + 10);
  await plays(again, rig);
  expect(again.watchers[0]!.prober.violations).toEqual([]);
}, 100_000);

test.concurrent('a viewer on the LAN starts it, too, without control, also after a pause', async () => {
  await using filming = await Filming.start({ lanOnly: true });
  const { rig } = filming;
  const first = await fetch(rig.lanPlaylistUrl);
  expect(first.status).toBe(200);
  const viewer = new Audience([rig.lanPlaylistUrl], rig.encoder.labels);
  const newest = Number((await plays(viewer, rig)).at(-1)!.slice(2));
  await filming.stops(45_000);
  const response = await fetch(rig.lanPlaylistUrl);
  expect(response.status).toBe(200);
  const again = new Audience([rig.lanPlaylistUrl], rig.encoder.labels);
  await again.poll();
  expect(Number(again.watchers[0]!.story()[0]!.replace('| ', '').slice(2))).toBeGreaterThan(newest + 10);
}, 100_000);

test.concurrent('a recording starts it although nobody watches and it is off, gets all that was asked for, and it ends', async () => {
  await using filming = await Filming.start();
  const { rig, camera } = filming;
  await rig.until('control lists the source', () => rig.source());
  const patched = await fetch(`${rig.control.url}/v1/sources/camera-0`, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/json' },
    body: '{"mode":"off"}',
  });
  expect(patched.status).toBe(200);
  expect((await fetch(rig.playlistUrl)).status).toBe(503);
  expect(camera.asked).toEqual([]);
  const made = await fetch(`${rig.control.url}/v1/recordings`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ source: 'camera-0', until: '+8s' }),
  });
  expect(made.status).toBe(201);
  const { id } = (await made.json()) as { id: string };
  await rig.until('the camera is asked', () => camera.asked.length > 0);
  type Recording = { state: string; segments: number; durationSeconds: number; gaps: unknown[] };
  const recording = await rig.until(
    'it is complete',
    async () => {
      const found = (await (await fetch(`${rig.control.url}/v1/recordings/${id}`)).json()) as Recording;
      return found.state === 'complete' || found.state === 'incomplete' ? found : undefined;
    },
    40_000,
  );
  expect(recording.state).toBe('complete');
  expect(recording.segments).toBeGreaterThanOrEqual(7);
  await filming.stops(30_000);
}, 100_000);

test.concurrent('a viewer keeps it on until the source is switched off', async () => {
  await using filming = await Filming.start();
  const { rig } = filming;
  await rig.until('control lists the source', () => rig.source());
  expect((await fetch(rig.playlistUrl)).status).toBe(200);
  await fetch(`${rig.control.url}/v1/sources/camera-0`, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/json' },
    body: '{"mode":"off"}',
  });
  const watching = setInterval(() => void fetch(rig.playlistUrl).catch(() => undefined), 1_000);
  await filming.stops(25_000).finally(() => clearInterval(watching));
}, 60_000);
