import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { joinFragments } from '../../src/control/replay/mp4/join-fragments.ts';
import {
  aac,
  h264,
  hashes,
  look,
  type Probed,
  picture,
  pictureAt,
  picturesOf,
  run,
  sound,
} from './mp4-media.ts';

const root = mkdtempSync(join(tmpdir(), 'livemix-fmp4-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let made = 0;

type Cut = { readonly init: Buffer; readonly segments: readonly { bytes: Buffer; duration: number }[] };

/** fMP4 as ffmpeg's HLS muxer writes it, two seconds a segment. */
async function film(args: readonly string[], flags: readonly string[] = []): Promise<Cut> {
  const folder = join(root, `set-${++made}`);
  mkdirSync(folder);
  const list = join(folder, 'index.m3u8');
  await run('ffmpeg', [
    ...['-v', 'error', '-nostdin', ...args, '-f', 'hls', '-hls_time', '2', '-hls_list_size', '0'],
    ...['-hls_segment_type', 'fmp4', '-hls_segment_filename', join(folder, '%03d.m4s'), ...flags, list],
  ]);
  const text = readFileSync(list, 'utf8');
  const cut = (name: string, range: string | undefined) => {
    const file = readFileSync(join(folder, name));
    const [length, at] = range?.split('@').map(Number) ?? [file.length, 0];
    return file.subarray(at, at! + length!);
  };
  const [, map, mapRange] = /#EXT-X-MAP:URI="([^"]+)"(?:,BYTERANGE="([^"]+)")?/.exec(text)!;
  const entries = [...text.matchAll(/#EXTINF:([\d.]+),\n(?:#EXT-X-BYTERANGE:(\S+)\n)?(\S+)\n/g)];
  return {
    init: cut(map!, mapRange),
    segments: entries.map(([, duration, range, name]) => ({
      bytes: cut(name!, range),
      duration: Number(duration),
    })),
  };
}

/** Writes these segments as one MP4. `after`: their times do not follow the ones before. */
async function joined(
  { init, segments }: Cut,
  wanted: readonly number[],
  holesAt: readonly number[] = [],
): Promise<string> {
  const path = join(root, `joined-${++made}.mp4`);
  const inputs = wanted.map((at) => ({
    bytes: async () => segments[at]!.bytes,
    extension: 'm4s',
    discontinuity: holesAt.includes(at),
    at: 0,
    duration: segments[at]!.duration,
  }));
  const seconds = inputs.reduce((sum, { duration }) => sum + duration, 0);
  const chunks: Buffer[] = [];
  const beginsAtMs = Date.UTC(2026, 4, 17, 10);
  for await (const chunk of joinFragments({ init, inputs, seconds, beginsAtMs })) chunks.push(chunk);
  await writeFile(path, Buffer.concat(chunks));
  return path;
}

/** The same segments as the encoder left them, but for their own indexes, by which ffmpeg takes fragments for later than they are. */
async function asTheyAre({ init, segments }: Cut, wanted: readonly number[]): Promise<string> {
  const path = join(root, `plain-${++made}.mp4`);
  await writeFile(
    path,
    Buffer.concat([headOf(init), ...wanted.map((at) => withoutIndex(segments[at]!.bytes))]),
  );
  return path;
}

/** ffmpeg puts the first fragments behind its init section where there are many in a segment. */
function headOf(init: Buffer): Buffer {
  const moov = init.indexOf('moov') - 4;
  return init.subarray(0, moov + init.readUInt32BE(moov));
}

const withoutIndex = (bytes: Buffer): Buffer =>
  Buffer.from(bytes.toString('latin1').replaceAll('sidx', 'free'), 'latin1');

const startsOf = ({ packets, streams }: Probed) =>
  streams.map((_, index) =>
    Math.min(...packets.filter(({ stream }) => stream === index).map(({ pts }) => pts)),
  );
const apart = (probed: Probed) => {
  const [one, other = one] = startsOf(probed);
  return other! - one!;
};

/** The last packets of each stream, as many as the other has. */
const endOf = ({ packets, ...rest }: Probed, other: Probed): Probed => ({
  ...rest,
  packets: rest.streams.flatMap((_, index) => {
    const ofStream = (all: Probed['packets']) => all.filter(({ stream }) => stream === index);
    return ofStream(packets).slice(-ofStream(other.packets).length);
  }),
});

const both = [...picture(), ...sound, '-t', '20', ...h264, ...aac];
const offset = ['-output_ts_offset', '100000'];

describe('a recording of fMP4 begins at 0, and lasts as long as it is', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['when its encoder has run for a while', both, []],
    ['when its encoder counts from when its machine was started', [...both, ...offset], []],
    ['when its encoder delays nothing', [...both, '-bf', '0', ...offset], []],
    [
      'with HEVC',
      [
        ...picture(),
        ...sound,
        '-t',
        '20',
        '-c:v',
        'libx265',
        '-preset',
        'ultrafast',
        '-x265-params',
        'log-level=error:keyint=50',
        '-tag:v',
        'hvc1',
        ...aac,
      ],
      [],
    ],
    ['of picture alone', [...picture(), '-t', '20', ...h264, ...offset], []],
    ['of sound alone', [...sound, '-t', '20', ...aac, ...offset], []],
    ['out of a single file', [...both, ...offset], ['-hls_flags', 'single_file']],
    ['in many fragments', both, ['-hls_segment_options', 'movflags=+frag_keyframe:frag_duration=200000']],
  ])('%s', async (_, args, flags) => {
    const cut = await film(args, flags);
    const wanted = [4, 5, 6, 7, 8];
    const path = await joined(cut, wanted);
    const probed = await look(path);
    const whole = await look(await asTheyAre(cut, [0, 1, 2, 3, ...wanted]));

    const seconds = wanted.reduce((sum, at) => sum + cut.segments[at]!.duration, 0);
    expect(Math.min(...startsOf(probed))).toBeCloseTo(0, 3);
    for (const { start } of probed.streams) expect(Math.abs(start)).toBeLessThan(0.15);
    expect(Math.abs(probed.duration - seconds)).toBeLessThan(0.15);
    expect(apart(probed)).toBeCloseTo(apart(endOf(whole, probed)), 3);
    for (const [index] of probed.streams.entries()) {
      const decoded = probed.packets.filter(({ stream }) => stream === index).map(({ dts }) => dts);
      expect(decoded).toEqual(decoded.toSorted((a, b) => a - b));
    }
    expect(await hashes(path)).toEqual(await hashes(await asTheyAre(cut, wanted)));
    if (probed.streams[0]!.codec === 'aac') return;
    const pictures = await picturesOf(path);
    const shown = pictures.findLast(({ at }) => at <= 7.3)!;
    expect(await pictureAt(path, shown.at)).toBe(shown.hash);
  });
});

test('what is missing in the middle is left out: it goes on where it broke off, sound and picture together', async () => {
  const cut = await film([...both, ...offset]);
  const path = await joined(cut, [2, 3, 6, 7], [6]);
  const probed = await look(path);
  expect(Math.min(...startsOf(probed))).toBeCloseTo(0, 3);
  expect(Math.abs(probed.duration - 8)).toBeLessThan(0.15);
  for (const [index] of probed.streams.entries()) {
    const shown = probed.packets.filter(({ stream }) => stream === index).map(({ pts }) => pts);
    expect(Math.abs(Math.max(...shown) - 8)).toBeLessThan(0.15);
    expect(new Set(shown).size).toBe(shown.length);
  }
});

test('a segment that is none is left out, and a recording of such is refused', async () => {
  const { init, segments } = await film([...both, '-t', '8']);
  const junk = { bytes: Buffer.from('this is no segment at all'), duration: 2 };
  const broken = { init, segments: [segments[0]!, junk, segments[2]!] };
  expect(Math.abs((await look(await joined(broken, [0, 1, 2]))).packets.at(-1)!.pts - 4)).toBeLessThan(0.2);
  await expect(joined({ init, segments: [junk] }, [0])).rejects.toMatchObject({ code: 'mp4_impossible' });
  await expect(joined({ init: junk.bytes, segments }, [0])).rejects.toMatchObject({ code: 'mp4_impossible' });
});
