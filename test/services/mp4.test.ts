import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Mp4Impossible, remuxToMp4 } from '../../src/control/replay/mp4/remux.ts';
import { packetsOf, pidOf, startsUnit } from '../../src/mpegts/packet.ts';
import { Browser } from '../support/chromium.ts';
import { startPlayerSite } from '../support/player-page.ts';
import {
  aac,
  film,
  h264,
  hashes,
  hashesOfSegments,
  inputsOf,
  look,
  type Probed,
  picture,
  pictureAt,
  picturesOf,
  remuxToFile,
  serveFile,
  sound,
} from './mp4-media.ts';

const root = mkdtempSync(join(tmpdir(), 'livemix-mp4-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let made = 0;
const place = (name: string) => join(root, `${++made}-${name}`);

/** Where ffmpeg puts the program map table. */
const MAP_PID = 4096;
const h265 = [
  '-c:v',
  'libx265',
  '-preset',
  'ultrafast',
  '-x265-params',
  'log-level=error:keyint=50:bframes=2',
];
const filmBoth = (seconds: number, offset = 0) =>
  film(place('both'), [...picture(), ...sound, '-t', String(seconds), ...h264, ...aac], { offset });

/** Of each stream, the times in the order of the file. */
const times = ({ packets, streams }: Probed, what: 'pts' | 'dts') =>
  streams.map((_, index) => packets.filter(({ stream }) => stream === index).map((packet) => packet[what]));

function expectRising(probed: Probed): void {
  for (const stream of times(probed, 'dts')) {
    const falls = stream.findIndex((dts, index) => index > 0 && dts <= stream[index - 1]!);
    expect(falls).toBe(-1);
  }
}

describe('what goes in comes out', () => {
  test.each([
    ['H.264 with B-frames and AAC', [...picture(), ...sound, ...h264, ...aac], 0],
    ['H.264 alone', [...picture(), ...h264], 0],
    ['AAC alone', [...sound, ...aac], 0],
    ['AAC of 44.1 kHz beside the picture', [...picture(), ...sound, '-ar', '44100', ...h264, ...aac], 0],
    ['HEVC and AAC', [...picture(), ...sound, ...h265, ...aac], 0],
    ['H.264 and MP3', [...picture(), ...sound, ...h264, '-c:a', 'libmp3lame'], 0],
    ['H.264 and AC-3', [...picture(), ...sound, ...h264, '-c:a', 'ac3'], 0],
    ['a clock that goes on at 0 after 26.5 hours', [...picture(), ...sound, ...h264, ...aac], 95_440],
  ])('%s', async (_, args, offset) => {
    const folder = place('set');
    const segments = await film(folder, [...args, '-t', '10'], { offset });
    const path = join(root, `${made}.mp4`);
    expect(await remuxToFile(path, inputsOf(segments))).toEqual([]);

    // ffmpeg takes the parameter sets of HEVC out of the pictures, mediabunny does not: what is seen is compared.
    const seen = args.includes('libx265');
    expect(await hashes(path, seen)).toEqual(await hashesOfSegments(place('reference'), segments, seen));
    const probed = await look(path);
    expectRising(probed);
    expect(Math.abs(probed.duration - 10)).toBeLessThan(0.2);
    const ends = times(probed, 'pts').map((stream) => Math.max(...stream));
    for (const end of ends) expect(Math.abs(end - 10)).toBeLessThan(0.2);
    const input = await look(join(folder, '000.ts'));
    expect(startOf(probed, 1) - startOf(probed, 0)).toBeCloseTo(startOf(input, 1) - startOf(input, 0), 2);
  });

  test('segments cut in the middle of a PES packet', async () => {
    const segments = await filmBoth(6);
    const cut: Buffer[] = segments.map((bytes, index) =>
      Buffer.concat([
        index === 0 ? Buffer.alloc(0) : afterLastUnit(segments[index - 1]!),
        upToLastUnit(bytes),
      ]),
    );
    cut.push(afterLastUnit(segments.at(-1)!));
    const path = join(root, 'cut.mp4');
    await remuxToFile(path, inputsOf(cut));
    expect(await hashes(path)).toEqual(await hashesOfSegments(place('reference'), segments));
  });

  test('segments that do not begin with key frames', async () => {
    const args = [...picture(), ...sound, ...h264, ...aac, '-g', '150', '-t', '12'];
    const muxer = ['-break_non_keyframes', '1'];
    const segments = await film(place('between'), args, { muxer });
    expect(segments.length).toBeGreaterThan(4);
    const path = join(root, 'between.mp4');
    expect(await remuxToFile(path, inputsOf(segments))).toEqual([]);
    expect(await hashes(path)).toEqual(await hashesOfSegments(place('reference'), segments));
    expectRising(await look(path));
  });
});

describe('stretches', () => {
  test.each([
    ['back', 5000, 20],
    ['on', 20, 90_000],
    ['by less than they lasted', 20, 22],
  ])('an encoder that begins anew with times that jump %s is joined', async (_, offset, again) => {
    const [first, second] = [await filmBoth(6, offset), await filmBoth(4, again)];
    const path = join(root, `joined-${again}.mp4`);
    expect(await remuxToFile(path, inputsOf(first, second))).toEqual([]);

    const [one, other] = [
      await hashesOfSegments(place('a'), first),
      await hashesOfSegments(place('b'), second),
    ];
    expect(await hashes(path)).toEqual(one.map((stream, index) => [...stream, ...other[index]!]));
    const probed = await look(path);
    expectRising(probed);
    expect(Math.abs(probed.duration - 10)).toBeLessThan(0.2);
    // Sound and picture of the second stretch lie as far apart as those of the first.
    const [video, audio] = times(probed, 'pts') as [number[], number[]];
    const [firstVideo, firstAudio] = one.map(({ length }) => length) as [number, number];
    const apart = (v: number, a: number) => Math.min(...video.slice(v, v + 9)) - audio[a]!;
    expect(apart(firstVideo, firstAudio)).toBeCloseTo(apart(0, 0), 2);
    expect(audio[firstAudio]!).toBeGreaterThanOrEqual(Math.max(...video.slice(0, firstVideo)));
  });

  test('a jump that nobody announced is joined too', async () => {
    const [first, second] = [await filmBoth(4, 5000), await filmBoth(4, 20)];
    const path = join(root, 'unannounced.mp4');
    await remuxToFile(path, inputsOf([...first, ...second]));
    const probed = await look(path);
    expectRising(probed);
    for (const stream of times(probed, 'pts')) expect(Math.abs(Math.max(...stream) - 8)).toBeLessThan(0.3);
  });

  test('sound that begins later than the picture is found in time', async () => {
    const silent = await film(place('silent'), [...picture(), '-t', '4', ...h264]);
    const both = await filmBoth(4, 4);
    // The tables of the first segments name the sound that they do not have.
    const map = [...packetsOf(both[0]!)].find((packet) => pidOf(packet) === MAP_PID)!;
    const named = silent.map((bytes) =>
      Buffer.concat([...packetsOf(bytes)].map((packet) => (pidOf(packet) === MAP_PID ? map : packet))),
    );
    const path = join(root, 'later.mp4');
    expect(await remuxToFile(path, inputsOf([...named, ...both]))).toEqual([]);
    const [video, audio] = times(await look(path), 'pts');
    expect(video).toHaveLength(200);
    expect(audio![0]!).toBeGreaterThan(3.9);
  });

  test.each([
    ['random bytes', () => Buffer.alloc(188 * 400, 0xa5)],
    ['a packet too short', (bytes: Buffer) => bytes.subarray(0, bytes.length - 100)],
    ['nothing', () => Buffer.alloc(0)],
    [
      'lost sync',
      (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 18_800), bytes.subarray(18_801), Buffer.alloc(1)]),
    ],
  ])('a segment of %s is left out; what follows stays where it was', async (_, spoil) => {
    const segments = await filmBoth(8);
    const spoilt = segments.with(2, spoil(segments[2]!));
    const [path, whole] = [join(root, `spoilt-${made}.mp4`), join(root, `whole-${made}.mp4`)];
    expect(await remuxToFile(path, inputsOf(spoilt))).toEqual([2]);
    expect(await remuxToFile(whole, inputsOf(segments))).toEqual([]);
    const [got, wanted] = [times(await look(path), 'pts'), times(await look(whole), 'pts')];
    expectRising(await look(path));
    for (const [index, stream] of got.entries()) {
      expect(stream.length).toBeLessThan(wanted[index]!.length);
      expect(new Set(wanted[index])).toEqual(new Set([...wanted[index]!, ...stream]));
      expect(stream.at(-1)).toBe(wanted[index]!.at(-1));
    }
  });
});

describe('winding', () => {
  test('a player that jumps shows the picture that belongs there', async () => {
    const path = join(root, 'wind.mp4');
    await remuxToFile(path, inputsOf(await filmBoth(8), await filmBoth(8, 700), await filmBoth(8, 3)));
    const pictures = await picturesOf(path);
    expect(pictures).toHaveLength(600);
    for (const seconds of [0, 1.99, 7.5, 12.34, 20, 23.5]) {
      const wanted = pictures.find(({ at }) => at >= seconds - 0.0005)!;
      expect(await pictureAt(path, seconds)).toBe(wanted.hash);
    }
  });
});

test('a browser knows how long it lasts and jumps there and back', async () => {
  const path = join(root, 'browser.mp4');
  await remuxToFile(path, inputsOf(await filmBoth(16), await filmBoth(16, 700)));
  await using file = await serveFile(path);
  await using site = await startPlayerSite();
  await using browser = await Browser.start();
  const { page } = await browser.open(`${site.url}/native?${encodeURIComponent(file.url)}`);
  await page.waitForFunction("document.querySelector('video').readyState >= 2");
  const jump = (seconds: number) =>
    page.evaluate<number>(`new Promise((resolve) => {
      const video = document.querySelector('video');
      video.pause();
      video.addEventListener('seeked', () => resolve(video.currentTime), { once: true });
      video.currentTime = ${seconds};
    })`);
  expect(
    Math.abs((await page.evaluate<number>("document.querySelector('video').duration")) - 32),
  ).toBeLessThan(0.3);
  for (const seconds of [27, 5, 17, 30]) expect(await jump(seconds)).toBeCloseTo(seconds, 3);
  expect(await page.evaluate('window.fatal')).toEqual([]);
});

describe('what cannot be', () => {
  const begun = async (inputs: Parameters<typeof remuxToMp4>[0]) => remuxToMp4(inputs).next();

  test('two sizes of picture in two stretches are refused before the first byte', async () => {
    const small = await filmBoth(4);
    const large = await film(place('large'), [...picture('320x180'), ...sound, '-t', '4', ...h264, ...aac]);
    await expect(begun(inputsOf(small, large))).rejects.toThrow(Mp4Impossible);
    await expect(begun(inputsOf(small, large))).rejects.toThrow(/160×90.* to .*320×180/);
    // Not announced, it is found when it comes; the file is not ended then.
    const chunks = remuxToMp4(inputsOf([...small, ...large]));
    const received: Buffer[] = [];
    const all = async () => {
      for await (const chunk of chunks) received.push(chunk);
    };
    await expect(all()).rejects.toThrow(Mp4Impossible);
    expect(received.length).toBeGreaterThan(0);
  });

  test('two sampling rates are refused', async () => {
    const one = await film(place('48'), [...sound, '-t', '2', ...aac]);
    const other = await film(place('44'), [...sound, '-t', '2', '-ar', '44100', ...aac]);
    await expect(begun(inputsOf(one, other))).rejects.toThrow(/48000 Hz.* to .*44100 Hz/);
  });

  test.each([
    ['MPEG-2 video', ['-c:v', 'mpeg2video', ...aac]],
    ['layer III', [...h264, '-c:a', 'mp2']],
  ])('%s is named', async (name, coding) => {
    const segments = await film(place('other'), [...picture(), ...sound, '-t', '2', ...coding]);
    await expect(begun(inputsOf(segments))).rejects.toThrow(name);
  });

  test('other formats, no segments and no media are named', async () => {
    const [one] = inputsOf([Buffer.alloc(188)]);
    await expect(begun([{ ...one!, extension: 'm4s' }])).rejects.toThrow('not MPEG-TS (.m4s)');
    await expect(begun([])).rejects.toThrow('no segments');
    await expect(begun([one!])).rejects.toThrow('none of its segments');
  });
});

test('nothing is read before it is asked for', async () => {
  const segments = await filmBoth(16);
  const read: number[] = [];
  const inputs = inputsOf(segments).map((input, index) => ({
    ...input,
    bytes: () => {
      read.push(index);
      return input.bytes();
    },
  }));
  const chunks = remuxToMp4(inputs);
  await chunks.next();
  expect(read).toEqual([0]);
  await chunks.next();
  expect(read).toEqual([0, 0, 1, 2]);
  await chunks.return();
  expect(read).toHaveLength(4);
});

const startOf = ({ streams }: Probed, index: number): number => (streams[index] ?? streams[0]!).start;

/** Where the packets begin that only go on with what began before. */
function lastUnit(bytes: Buffer): number {
  let [at, end] = [0, 0];
  for (const packet of packetsOf(bytes)) {
    at += packet.length;
    if (startsUnit(packet)) end = at;
  }
  return end;
}
const upToLastUnit = (bytes: Buffer): Buffer => bytes.subarray(0, lastUnit(bytes));
const afterLastUnit = (bytes: Buffer): Buffer => bytes.subarray(lastUnit(bytes));
