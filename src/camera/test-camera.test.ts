import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { epochMs, type Millis, millis } from '../media/units.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { loopClip } from './looped-clip.ts';
import { startTestCamera, type TestCameraOptions } from './test-camera.ts';

const clip = readFileSync(new URL('../../assets/test-camera.mpegts', import.meta.url));

/** Time that passes when the test says so. Who sleeps may be woken late, as on a busy machine. */
class SteppedClock implements Clock {
  #elapsed = 0;
  #sleepers: { until: number; wake: () => void }[] = [];
  readonly #lateBy: number;

  constructor(lateBy = 0) {
    this.#lateBy = lateBy;
  }

  now = () => epochMs(this.#elapsed);
  monotonic = () => millis(this.#elapsed);

  sleep(wait: Millis, signal?: AbortSignal): Promise<void> {
    return new Promise((wake) => {
      const end = () => {
        signal?.removeEventListener('abort', end);
        wake();
      };
      signal?.addEventListener('abort', end, { once: true });
      this.#sleepers.push({ until: this.#elapsed + wait + this.#lateBy, wake: end });
    });
  }

  /** Lets time pass until the next sleeper wakes, once there is one. Returns that moment. */
  async toNext(): Promise<number> {
    await vi.waitFor(() => expect(this.#sleepers).toHaveLength(1), { interval: 2, timeout: 5_000 });
    const [sleeper] = this.#sleepers.splice(0);
    this.#elapsed = sleeper!.until;
    sleeper!.wake();
    return this.#elapsed;
  }

  after(): Timer {
    throw new Error('the camera only sleeps');
  }
  every(): Timer {
    throw new Error('the camera only sleeps');
  }
}

type Post = {
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
};

/** An edge that takes playlists, a camera before it, and a folder between. */
async function startRig(
  options: Partial<TestCameraOptions> & { answer?: (response: ServerResponse) => void; lateBy?: number } = {},
) {
  const { answer = (response) => response.end(), lateBy, ...camera } = options;
  const posts: Post[] = [];
  const edge = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      posts.push({
        method: request.method,
        headers: request.headers,
        text: Buffer.concat(chunks).toString(),
      });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => edge.listen(0, '127.0.0.1', resolve));
  const { port } = edge.address() as AddressInfo;
  const folder = await mkdtemp(join(tmpdir(), 'livemix-camera-'));
  const clock = new SteppedClock(lateBy);
  const playlistUrl = `http://127.0.0.1:${port}/v1/playlist`;
  const started = startTestCamera({ clip, folder, source: 'camera-0', playlistUrl, clock, ...camera });
  return {
    clock,
    folder,
    posts,
    camera: started,
    files: async () => (await readdir(folder)).sort(),
    posted: (count: number) =>
      vi.waitFor(() => expect(posts.length).toBeGreaterThanOrEqual(count), { interval: 2, timeout: 5_000 }),
    async [Symbol.asyncDispose]() {
      await started.stop();
      edge.closeAllConnections();
      await new Promise((resolve) => edge.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}

const names = (...indexes: readonly number[]) =>
  indexes.map((index) => `cam-${String(index).padStart(6, '0')}.ts`);
const listed = (post: Post) => post.text.split('\n').filter((line) => line.endsWith('.ts'));

test('three segments are there at once, then one comes every two seconds', async () => {
  await using rig = await startRig();
  await rig.posted(1);
  expect(listed(rig.posts[0]!)).toEqual(names(0, 1, 2));
  expect(rig.posts[0]!.text).toContain('#EXT-X-MEDIA-SEQUENCE:0\n');

  expect(await rig.clock.toNext()).toBe(2_000);
  await rig.posted(2);
  expect(listed(rig.posts[1]!)).toEqual(names(0, 1, 2, 3));
  expect(await rig.clock.toNext()).toBe(4_000);
  await rig.posted(3);
  expect(await rig.clock.toNext()).toBe(6_000);
  await rig.posted(4);
  expect(listed(rig.posts[3]!)).toEqual(names(1, 2, 3, 4, 5));
  expect(rig.posts[3]!.text).toContain('#EXT-X-MEDIA-SEQUENCE:1\n');
});

test('the files a playlist names are whole and hold the looped clip', async () => {
  await using rig = await startRig({ startTicks: 2 ** 33 - 90_000 });
  await rig.posted(1);
  const looped = loopClip(clip, 2 ** 33 - 90_000);
  for (const [index, name] of names(0, 1, 2).entries()) {
    expect((await readFile(join(rig.folder, name))).equals(looped.segment(index))).toBe(true);
  }
});

test('the playlist comes with the headers the edge asks for', async () => {
  await using rig = await startRig({ headers: { Authorization: 'Bearer t' } });
  await rig.posted(1);
  expect(rig.posts[0]).toMatchObject({
    method: 'POST',
    headers: {
      'video-source-name': 'camera-0',
      'mpeg-ts-uri-prefix': `file://${rig.folder}`,
      authorization: 'Bearer t',
      'transfer-encoding': 'chunked',
      connection: 'close',
    },
  });
});

test('late timers do not add up to drift', async () => {
  await using rig = await startRig({ lateBy: 300 });
  for (const moment of [2_300, 4_300, 6_300, 8_300, 10_300]) expect(await rig.clock.toNext()).toBe(moment);
});

test('a camera that was held up for long makes up for it at once', async () => {
  await using rig = await startRig({ lateBy: 7_000 });
  expect(await rig.clock.toNext()).toBe(9_000);
  await rig.posted(5);
  const newest = rig.posts.map((post) => listed(post).at(-1)).sort();
  expect(newest).toEqual(names(2, 3, 4, 5, 6));
});

test('files stay for five segments after the playlist has dropped them', async () => {
  await using rig = await startRig({ listSize: 4 });
  for (let index = 3; index <= 12; index++) await rig.clock.toNext();
  await rig.posted(11);
  expect(await rig.files()).toEqual(names(4, 5, 6, 7, 8, 9, 10, 11, 12));
});

test.each([
  ['refuses', (response: ServerResponse) => response.writeHead(500).end('no')],
  ['hangs up', (response: ServerResponse) => response.destroy()],
  ['never answers', () => undefined],
])('an edge that %s changes nothing', async (_, answer) => {
  await using rig = await startRig({ answer });
  for (const moment of [2_000, 4_000, 6_000]) expect(await rig.clock.toNext()).toBe(moment);
  await rig.posted(4);
});

test('the camera plays on when nobody listens at all', async () => {
  await using rig = await startRig({ playlistUrl: 'http://127.0.0.1:1/v1/playlist' });
  for (const moment of [2_000, 4_000]) expect(await rig.clock.toNext()).toBe(moment);
  await vi.waitFor(async () => expect(await rig.files()).toEqual(names(0, 1, 2, 3, 4)));
});

test('files of an earlier life under the same names are replaced', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'livemix-camera-'));
  await writeFile(join(folder, 'cam-000000.ts'), 'old');
  await using rig = await startRig({ folder });
  await rig.posted(1);
  const first = await readFile(join(folder, 'cam-000000.ts'));
  expect(first.equals(loopClip(clip).segment(0))).toBe(true);
  await rig.camera.stop();
  await rm(folder, { recursive: true });
});

test('a folder that goes away costs the segments, not the camera', async () => {
  const folder = join(await mkdtemp(join(tmpdir(), 'livemix-camera-')), 'segments');
  await using rig = await startRig({ folder });
  await rig.posted(1);
  await rm(folder, { recursive: true });
  await rig.clock.toNext();
  await rig.posted(2);
  expect(listed(rig.posts[1]!)).toContain('cam-000003.ts');
});

test('after stop nothing more is written or posted', async () => {
  await using rig = await startRig();
  await rig.posted(1);
  await rig.camera.stop();
  const files = await rig.files();
  expect(files).toEqual(names(0, 1, 2));
  expect(rig.posts).toHaveLength(1);
});

test('the signal of the caller stops it too', async () => {
  const ending = new AbortController();
  await using rig = await startRig({ signal: ending.signal });
  await rig.posted(1);
  ending.abort();
  await rig.camera.stop();
  expect(await rig.files()).toEqual(names(0, 1, 2));
});

test('bytes that are no clip are refused at once', async () => {
  await expect(startRig({ clip: Buffer.from('no clip') })).rejects.toThrow(RangeError);
});
