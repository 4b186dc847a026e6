import { readdirSync, statSync } from 'node:fs';
import { type ClientRequest, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { playlistText } from '../support/encoder.ts';
import { sha256, urisOf } from '../support/recording.ts';
import { Rig } from '../support/rig.ts';
import { syntheticSegment } from '../support/synthetic-segment.ts';

const segment = (sequence: number, run = 0, packets = 40 + (sequence % 3)) =>
  syntheticSegment({ run, sequence, duration: 1, packets });

const pushTo = (rig: Rig, path: string, body: Buffer | string) =>
  fetch(`${rig.edge.url}/v1/ingest/door/${path}`, { method: 'PUT', body });

/** The digest of what is served for each line of a list on the LAN. */
async function served(rig: Rig, file = 'index.m3u8') {
  const url = `${rig.edge.url}/live/door/${file}`;
  const text = await (await fetch(url)).text();
  const media = await Promise.all(
    urisOf(text).map(async (uri) => {
      const answer = await fetch(new URL(uri, url));
      return answer.ok ? sha256(new Uint8Array(await answer.arrayBuffer())) : answer.status;
    }),
  );
  return { text, media };
}

/** `ffmpeg -f hls -hls_flags single_file -method PUT`: two bodies of one name, the first stays empty. */
class SingleFileEncoder implements AsyncDisposable {
  readonly #bodies: ClientRequest[];
  readonly #ranges: string[] = [];
  /** What became of the two bodies: their status, or that the connection broke. */
  readonly ended: Promise<(number | string | undefined)[]>;
  #end = 0;

  /** As its edge has heard of both bodies. */
  static async start(rig: Rig, run = 0, packets?: number): Promise<SingleFileEncoder> {
    const encoder = new SingleFileEncoder(rig, run, packets);
    await Promise.all(
      encoder.#bodies.map(
        (body) => new Promise((resolve) => body.on('socket', (socket) => socket.once('connect', resolve))),
      ),
    );
    await (await fetch(`${rig.edge.url}/healthz`)).text();
    return encoder;
  }

  private constructor(
    private readonly rig: Rig,
    readonly run = 0,
    private readonly packets?: number,
  ) {
    this.#bodies = ['PUT', 'POST'].map((method) => {
      const body = httpRequest(`${rig.edge.url}/v1/ingest/door/index.ts`, { method, agent: false });
      body.flushHeaders();
      return body;
    });
    this.ended = Promise.all(
      this.#bodies.map(
        (body) =>
          new Promise<number | string | undefined>((resolve) => {
            body.on('response', (response) => resolve(response.resume().statusCode));
            body.on('error', ({ message }) => resolve(message));
          }),
      ),
    );
  }

  made(sequence: number): Buffer {
    return segment(sequence, this.run, this.packets);
  }

  /** Its numbers do not slide with its list, as ffmpeg's do not. */
  async publish(): Promise<Record<string, unknown>> {
    const made = this.made(this.#ranges.length);
    this.#bodies[1]!.write(made);
    this.#ranges.push(`#EXT-X-BYTERANGE:${made.length}@${this.#end}`);
    this.#end += made.length;
    const entries = this.#ranges.slice(-5).map((range) => ({ name: 'index.ts', duration: 1, tags: [range] }));
    const list = playlistText({ mediaSequence: 0, entries });
    return (await (await pushTo(this.rig, 'index.m3u8', list)).json()) as Record<string, unknown>;
  }

  async end() {
    for (const body of this.#bodies) body.end();
    return this.ended;
  }

  async [Symbol.asyncDispose]() {
    for (const body of this.#bodies) body.destroy();
    await this.ended;
  }
}

const sizeOf = (folder: string): number =>
  readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

test('one file that grows for as long as the stream is published segment by segment, and kept no longer than needed', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  await using encoder = await SingleFileEncoder.start(rig, 0, 5_000);
  let most = 0;
  for (let made = 0; made < 40; made++) {
    expect(await encoder.publish()).toMatchObject({ added: 1, stored: 'spool' });
    most = Math.max(most, sizeOf(join(rig.folder, 'edge/spool/arriving')));
    // An edge takes twenty playlists a second.
    await sleep(60);
  }
  expect((await served(rig)).media.slice(-3)).toEqual([37, 38, 39].map((at) => sha256(encoder.made(at))));
  expect(most).toBeGreaterThan(4_000_000);
  expect(most).toBeLessThan(13_000_000);
  expect(await encoder.end()).toEqual([200, 200]);
  expect((await served(rig)).text).not.toContain('EXT-X-GAP');
  const sources = (await (await fetch(`${rig.edge.url}/v1/sources`)).json()) as { trouble?: unknown }[];
  expect(sources.map(({ trouble }) => trouble)).toEqual([undefined]);
});

test.each([1, 3])(
  'an encoder of one file that is killed after %i segments of equal size and begins anew opens a run',
  async (count) => {
    await using rig = await Rig.start({ lanOnly: true });
    {
      await using first = await SingleFileEncoder.start(rig, 0, 40);
      for (let made = 0; made < count; made++) expect(await first.publish()).toMatchObject({ added: 1 });
    }
    await using second = await SingleFileEncoder.start(rig, 1, 40);
    for (let made = 0; made < 4; made++) expect(await second.publish()).toMatchObject({ added: 1 });
    const { text, media } = await served(rig);
    expect(media.slice(-4)).toEqual([0, 1, 2, 3].map((at) => sha256(second.made(at))));
    expect(text.match(/#EXT-X-DISCONTINUITY$/gm)).toHaveLength(1);
    expect(text).not.toContain('EXT-X-GAP');
  },
);

test('a part that never comes is a stated gap, and the next one is taken', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const body = httpRequest(`${rig.edge.url}/v1/ingest/door/all.ts`, { method: 'PUT', agent: false });
  body.on('error', () => undefined);
  body.write(segment(0));
  const first = segment(0).length;
  const entry = (range: string) => ({ name: 'all.ts', duration: 1, tags: [`#EXT-X-BYTERANGE:${range}`] });
  const list = (...ranges: string[]) =>
    pushTo(rig, 'index.m3u8', playlistText({ mediaSequence: 0, entries: ranges.map(entry) }));
  expect(await (await list(`${first}@0`)).json()).toMatchObject({ added: 1 });
  body.destroy();
  expect(await (await list(`${first}@0`, `7520@${first}`)).json()).toMatchObject({ added: 0 });
  await pushTo(rig, 'cam-2.ts', segment(2));
  const entries = [entry(`${first}@0`), entry(`7520@${first}`), { name: 'cam-2.ts', duration: 1 }];
  await pushTo(rig, 'index.m3u8', playlistText({ mediaSequence: 0, entries }));
  const { text, media } = await served(rig);
  expect(text.match(/EXT-X-GAP/g)).toHaveLength(1);
  expect([media[0], media[2]]).toEqual([sha256(segment(0)), sha256(segment(2))]);
});

const troubleOf = async (rig: Rig, name = 'door') => {
  const sources = (await (await fetch(`${rig.edge.url}/v1/sources`)).json()) as {
    name: string;
    trouble?: { code: string };
  }[];
  return sources.find((source) => source.name === name)?.trouble?.code;
};

test('an edge that began anew cannot have the file that an encoder goes on with, and says so until that begins anew, too', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  {
    await using encoder = await SingleFileEncoder.start(rig);
    for (let made = 0; made < 3; made++) expect(await encoder.publish()).toMatchObject({ added: 1 });
    await rig.edge.close();
    await rig.startEdge();
    expect(await encoder.publish()).toMatchObject({ added: 0 });
    expect(await troubleOf(rig)).toBe('missing_at_source');
  }
  await using next = await SingleFileEncoder.start(rig, 1);
  expect(await next.publish()).toMatchObject({ added: 1 });
  expect(await troubleOf(rig)).toBeUndefined();
});

test('a source none of whose lines may be read says why', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  const entries = [{ name: 'http://127.0.0.1:9/cam-0.ts', duration: 1 }];
  expect((await pushTo(rig, 'index.m3u8', playlistText({ mediaSequence: 0, entries }))).status).toBe(200);
  expect(await troubleOf(rig)).toBe('origin_not_allowed');
});

const master = `#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=300000
index.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=30000,URI="pictures.m3u8"
`;

/** What the list of pictures of a segment says: the second packets of it are a picture, PAT and PMT lie before. */
const TABLES = 2 * 188;
const PICTURE = 4 * 188;
const pictures = (first: number, through: number, names = (at: number) => `cam-${at}.ts`) =>
  playlistText({
    mediaSequence: first,
    head: ['#EXT-X-I-FRAMES-ONLY'],
    entries: Array.from({ length: through - first + 1 }, (_, at) => ({
      name: names(first + at),
      duration: 1,
      tags: [`#EXT-X-BYTERANGE:${PICTURE}@${TABLES}`],
    })),
  });
const list = (through: number) =>
  playlistText({
    mediaSequence: 0,
    entries: Array.from({ length: through + 1 }, (_, at) => ({ name: `cam-${at}.ts`, duration: 1 })),
  });

test('pictures are parts of segments: before these are taken, while they still come, and after', async () => {
  await using rig = await Rig.start({ lanOnly: true });
  expect((await pushTo(rig, 'master.m3u8', master)).status).toBe(200);
  const added = async (path: string, text: string) =>
    ((await (await pushTo(rig, path, text)).json()) as { added: number }).added;
  // Before.
  await pushTo(rig, 'cam-0.ts', segment(0));
  expect(await added('pictures.m3u8', pictures(0, 0))).toBe(1);
  expect(await added('index.m3u8', list(0))).toBe(1);
  // After.
  await pushTo(rig, 'cam-1.ts', segment(1));
  expect(await added('index.m3u8', list(1))).toBe(1);
  expect(await added('pictures.m3u8', pictures(0, 1))).toBe(1);
  // While it still comes.
  const body = httpRequest(`${rig.edge.url}/v1/ingest/door/cam-2.ts`, { method: 'PUT', agent: false });
  const answered = new Promise<void>((resolve) =>
    body.on('response', (answer) => resolve(void answer.resume())),
  );
  body.write(segment(2).subarray(0, 2_000));
  expect(await added('pictures.m3u8', pictures(0, 2))).toBe(1);
  body.end(segment(2).subarray(2_000));
  await answered;
  expect(await added('index.m3u8', list(2))).toBe(1);
  // At the same time.
  await pushTo(rig, 'cam-3.ts', segment(3));
  const both = [added('index.m3u8', list(3)), added('pictures.m3u8', pictures(0, 3))];
  expect(await Promise.all(both)).toEqual([1, 1]);

  const all = [0, 1, 2, 3];
  const variants = await (await fetch(`${rig.edge.url}/live/door/index.m3u8`)).text();
  const uris = /BANDWIDTH=300000\n(.+)\n[\s\S]*URI="(.+)"/.exec(variants)!;
  expect((await served(rig, uris[1])).media).toEqual(all.map((at) => sha256(segment(at))));
  const shown = await served(rig, uris[2]);
  expect(shown.media).toEqual(all.map((at) => sha256(segment(at).subarray(TABLES, TABLES + PICTURE))));
  expect(shown.text).toContain('#EXT-X-I-FRAMES-ONLY');
  const map = /#EXT-X-MAP:URI="([^"]+)"/.exec(shown.text)![1]!;
  const tables = await fetch(new URL(map, `${rig.edge.url}/live/door/index.m3u8`));
  expect(Buffer.from(await tables.arrayBuffer()).equals(segment(0).subarray(0, TABLES))).toBe(true);

  // What has left the spool, or never was, is a gap.
  expect(
    await added(
      'pictures.m3u8',
      pictures(0, 4, (at) => (at === 4 ? 'never.ts' : `cam-${at}.ts`)),
    ),
  ).toBe(0);
});
