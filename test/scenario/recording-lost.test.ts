import { mkdtempSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { probeSpan } from '../support/ffmpeg.ts';
import { Running } from '../support/process.ts';
import { objectsIn, type RecordingJson, RecordingsClient, sha256 } from '../support/recording.ts';
import { Rig } from '../support/rig.ts';

const COUNT = 10;
/** The encoder names it, and it was never there. */
const MISSING = 4;

const home = mkdtempSync(join(tmpdir(), 'livemix-lost-'));
const store = join(home, 'store');
const away = join(home, 'away');
let rig: Rig;
let recordings: RecordingsClient;
const kinds = { ts: ['ts', 'mp4'], fmp4: ['mp4'] } as const;
type Source = keyof typeof kinds;
const recorded = new Map<Source, RecordingJson>();

/** Segments of a second as ffmpeg makes them, posted, and recorded to the end. */
async function record(source: Source): Promise<void> {
  const folder = join(rig.encoder.folder, source);
  await mkdir(folder);
  const type = source === 'ts' ? [] : ['-hls_segment_type', 'fmp4'];
  const name = source === 'ts' ? '%d.ts' : '%d.m4s';
  const ffmpeg = new Running('ffmpeg', [
    ...['-v', 'error', '-nostdin', '-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=25'],
    ...['-f', 'lavfi', '-i', 'sine=440:sample_rate=48000', '-t', String(COUNT), '-c:v', 'libx264'],
    ...['-preset', 'ultrafast', '-g', '25', '-sc_threshold', '0', '-c:a', 'aac', '-output_ts_offset', '5000'],
    ...['-f', 'hls', '-hls_time', '1', '-hls_list_size', '0', ...type],
    ...['-hls_segment_filename', join(folder, name), join(folder, 'index.m3u8')],
  ]);
  expect({ code: await ffmpeg.ended(), said: ffmpeg.stderr }).toEqual({ code: 0, said: '' });
  await rm(join(folder, name.replace('%d', String(MISSING))));
  const headers = { 'Video-Source-Name': source, 'MPEG-TS-URI-Prefix': `file://${folder}` };
  const body = readFileSync(join(folder, 'index.m3u8'));
  const posted = await fetch(`${rig.edge.url}/v1/playlist`, { method: 'POST', headers, body });
  expect(await posted.json()).toMatchObject({ added: COUNT - 1 });
  await rig.until('control knows it', () => rig.source(source));
  const { id } = await recordings.start({ source, from: '-60s', until: '+0s' });
  const ended = await recordings.ended(id, 30_000);
  expect(ended).toMatchObject({ segments: COUNT - 1 });
  recorded.set(source, ended);
}

beforeAll(async () => {
  rig = await Rig.start({ control: { 'store-url': `file://${store}` } });
  recordings = new RecordingsClient(() => rig.control.url);
  await Promise.all([record('ts'), record('fmp4')]);
}, 60_000);
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});
/** Nothing is at hand but what the store has, all of which is there. */
beforeEach(async () => {
  await rig.control.close();
  await rig.startControl();
  for (const { id } of recorded.values()) {
    await (await recordings.ask('POST', `/${id}/verify`)).text();
    const { gaps } = await recordings.get(id);
    expect(gaps.filter(({ reason }) => reason === 'object_lost')).toEqual([]);
  }
});

const urlOf = (source: Source, extension: string) =>
  `${rig.control.url}/recordings/${recorded.get(source)!.id}/download.${extension}`;
const files = (source: Source) =>
  objectsIn(store, `segments/${source}`).toSorted((a, b) => numberOf(a) - numberOf(b));
const numberOf = (key: string) => Number(/(\d+)-[^/]*$/.exec(key)![1]);
/** Takes objects of a recording away while something is done. `at`: among those that it has. */
async function without<T>(source: Source, at: readonly number[], task: () => Promise<T>): Promise<T> {
  const taken = at.map((each) => files(source)[each]!);
  await mkdir(away, { recursive: true });
  const places = taken.map((key) => [join(store, key), join(away, String(numberOf(key)))] as const);
  for (const [from, to] of places) await rename(from, to);
  try {
    return await task();
  } finally {
    for (const [from, to] of places) await rename(to, from);
  }
}
const bytesOf = (source: Source, but: readonly number[]) =>
  files(source)
    .filter((_, at) => !but.includes(at))
    .map((key) => readFileSync(join(store, key)));

test.each<[string, readonly number[], boolean]>([
  ['the first', [0], false],
  ['the first two', [0, 1], false],
  ['one in the middle', [2], true],
  // The fifth was never there.
  ['the one behind a gap', [MISSING], true],
  ['the last', [COUNT - 2], true],
])('a download goes on without an object that is gone: %s', async (_, at, breaks) => {
  const whole = Buffer.concat(bytesOf('ts', at));
  await without('ts', at, async () => {
    if (breaks) {
      // Its length was promised before that was known.
      const first = await fetch(urlOf('ts', 'ts'));
      expect(Number(first.headers.get('content-length'))).toBeGreaterThan(whole.length);
      await expect(first.arrayBuffer()).rejects.toThrow();
      expect(JSON.stringify(rig.logs)).toContain('an object is gone from the store');
    }
    const answer = await fetch(urlOf('ts', 'ts'));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-length')).toBe(String(whole.length));
    expect(sha256(Buffer.from(await answer.arrayBuffer()))).toBe(sha256(whole));
    const { gaps } = await recordings.get(recorded.get('ts')!.id);
    expect(gaps.map(({ reason }) => reason)).toContain('object_lost');
  });
});

test.each(['ts', 'fmp4'] as const)('the same of the MP4 of a %s source, again and again', async (source) => {
  for (const at of [[0], [MISSING], [0, 1, MISSING, COUNT - 2]]) {
    await without(source, at, async () => {
      for (const time of ['first', 'second']) {
        const path = join(home, `${source}-${at.length}-${time}.mp4`);
        const fetched = new Running('curl', ['-sS', '-f', '-o', path, urlOf(source, 'mp4')]);
        expect({ code: await fetched.ended(), said: fetched.stderr }).toEqual({ code: 0, said: '' });
        const { start, duration } = await probeSpan(path);
        expect(start).toBeCloseTo(0, 1);
        const lost = time === 'first' && at.length > 1 ? at.length - 2 : at.length;
        expect(Math.abs(duration - (COUNT - 1 - lost))).toBeLessThan(time === 'first' ? 2.3 : 0.3);
      }
    });
    await (await recordings.ask('POST', `/${recorded.get(source)!.id}/verify`)).text();
  }
});

test('all of it is gone: said, not our bug', async () => {
  const all = Array.from({ length: COUNT - 1 }, (_, at) => at);
  for (const [source, extensions] of Object.entries(kinds)) {
    await without(source as Source, all, async () => {
      for (const extension of extensions) {
        const answer = await fetch(urlOf(source as Source, extension));
        expect(answer.status).toBe(409);
        expect(await answer.json()).toMatchObject({ code: 'recording_empty' });
      }
    });
  }
});

test('a store that is away as a whole is 503, and nothing is taken for lost', async () => {
  await rename(store, away);
  try {
    for (const [source, extensions] of Object.entries(kinds)) {
      for (const extension of extensions) {
        const answer = await fetch(urlOf(source as Source, extension));
        expect(answer.status).toBe(503);
        expect(answer.headers.get('retry-after')).not.toBeNull();
        expect(await answer.json()).toMatchObject({
          code: 'store_unavailable',
          hint: expect.stringContaining('LIVEMIX_STORE_URL'),
        });
      }
      const { id } = recorded.get(source as Source)!;
      // Its manifest would bring it back.
      expect((await recordings.ask('DELETE', `/${id}`)).status).toBe(503);
      const replayed = await recordings.playlist(id);
      const uri = /^\.\.\/.*$/m.exec(replayed)![0];
      expect((await fetch(new URL(uri, recordings.playlistUrl('x')))).status).toBe(503);
    }
  } finally {
    await rename(away, store);
  }
  for (const [source, before] of recorded) expect(await recordings.get(before.id), source).toEqual(before);
});

test('a store that fails in the middle breaks the connection, and the log says why', async () => {
  const file = join(store, files('ts')[3]!);
  const { port, pathname } = new URL(urlOf('ts', 'ts'));
  await rename(file, `${file}.kept`);
  // A link to itself can neither be read nor said to be absent.
  await symlink(file, file);
  try {
    for (const version of ['1.1', '1.0']) {
      const before = rig.logs.length;
      const ends = await endOf(Number(port), `GET ${pathname} HTTP/${version}\r\nHost: x\r\n\r\n`);
      // Over HTTP/1.0 a connection that is closed would look like the end of the file.
      expect(ends).toBe('ECONNRESET');
      const said = rig.logs.slice(before).filter(({ msg }) => String(msg).includes('broke off'));
      expect(said).toMatchObject([{ id: recorded.get('ts')!.id, err: { message: expect.any(String) } }]);
    }
  } finally {
    await rm(file);
    await rename(`${file}.kept`, file);
  }
});

/** How a connection ends: `end`, or the code of its error. */
function endOf(port: number, request: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
    socket.on('end', () => resolve('end'));
    socket.resume();
  });
}
