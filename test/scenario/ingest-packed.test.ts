import { mkdtempSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { playlistText } from '../support/encoder.ts';
import { playWithFfmpeg, probeDuration, probeStreams } from '../support/ffmpeg.ts';
import { HlsServer } from '../support/hls-server.ts';
import { Running } from '../support/process.ts';
import { RecordingsClient, sha256, urisOf } from '../support/recording.ts';
import { Rig } from '../support/rig.ts';

const COUNT = 6;
const RATE = 48_000;
const TICKS_AT_BEGIN = 900_000;

/** The first frame of packed audio: its time as MPEG-TS counts it, in an ID3 tag (RFC 8216 §3.4). */
function timestamp(ticks: number): Buffer {
  const owner = Buffer.from('com.apple.streaming.transportStreamTimestamp\0');
  const value = Buffer.alloc(8);
  value.writeBigUInt64BE(BigInt(ticks));
  const frame = Buffer.concat([
    Buffer.from('PRIV\0\0\0'),
    Buffer.from([owner.length + 8, 0, 0]),
    owner,
    value,
  ]);
  return Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\0'), Buffer.from([frame.length]), frame]);
}

type Piece = { readonly bytes: Buffer; readonly duration: number };

/** Pieces of a tone of about a second each, as ffmpeg makes them, with their time before them. */
async function audio(
  codec: string,
  format: string,
  extension: string,
  /** In one of its frames. */
  samples: number,
  options: readonly string[] = [],
): Promise<readonly Piece[]> {
  const folder = mkdtempSync(join(tmpdir(), 'livemix-packed-'));
  try {
    const ffmpeg = new Running('ffmpeg', [
      ...[
        '-v',
        'error',
        '-nostdin',
        '-f',
        'lavfi',
        '-i',
        `sine=440:sample_rate=${RATE}`,
        '-t',
        String(COUNT + 1),
      ],
      ...['-c:a', codec, '-f', 'segment', '-segment_time', '1', '-segment_format', format, ...options],
      join(folder, `%03d.${extension}`),
    ]);
    expect({ code: await ffmpeg.ended(), said: ffmpeg.stderr }).toEqual({ code: 0, said: '' });
    const pieces: Piece[] = [];
    let begin = 0;
    for (const name of (await readdir(folder)).sort().slice(0, COUNT)) {
      const file = join(folder, name);
      const duration = ((await packetsOf(file)) * samples) / RATE;
      const time = timestamp(TICKS_AT_BEGIN + Math.round(begin * 90_000));
      pieces.push({ bytes: Buffer.concat([time, await readFile(file)]), duration });
      begin += duration;
    }
    return pieces;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function packetsOf(file: string): Promise<number> {
  const counting = ['-count_packets', '-show_entries', 'stream=nb_read_packets', '-of', 'csv=p=0'];
  const probe = new Running('ffprobe', ['-v', 'error', ...counting, file]);
  await probe.ended();
  return Number(probe.stdout);
}

const subtitles = (): readonly Piece[] =>
  Array.from({ length: COUNT }, (_, at) => ({
    duration: 1,
    bytes: Buffer.from(
      `WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:${TICKS_AT_BEGIN},LOCAL:00:00:00.000\n\n00:00:0${at}.100 --> 00:00:0${at}.900\nline ${at}\n`,
    ),
  }));

const kinds = {
  aac: { pieces: () => audio('aac', 'adts', 'aac', 1_024), codec: 'aac', type: 'audio/aac' },
  mp3: {
    pieces: () => audio('libmp3lame', 'mp3', 'mp3', 1_152, ['-segment_format_options', 'write_xing=0']),
    codec: 'mp3',
    type: 'audio/mpeg',
  },
  vtt: { pieces: async () => subtitles(), codec: 'webvtt', type: 'text/vtt' },
};

/** What ffmpeg says of a list while it plays it: of MP3 in segments, that frames at their borders come twice. */
async function complaintsOf(url: string): Promise<string> {
  const { code, complaints } = await playWithFfmpeg(url, 60);
  expect(code).toBe(0);
  return complaints.replace(/0x[0-9a-f]+/g, '');
}

test.each(Object.entries(kinds))(
  '.%s segments go through intact however they come, and are recorded as one file',
  async (extension, { pieces, codec, type }) => {
    const whole = await pieces();
    const made = whole.map(({ bytes }) => bytes);
    const nameOf = (at: number) => `piece-${at}.${extension}`;
    const list = (through: number) =>
      playlistText({
        mediaSequence: 0,
        entries: Array.from({ length: through + 1 }, (_, at) => ({
          name: nameOf(at),
          duration: whole[at]!.duration,
        })),
      });
    await using rig = await Rig.start();
    let through = 0;
    const folder = join(rig.encoder.folder, 'packed');
    await mkdir(folder);
    await using camera = await HlsServer.start(() => folder);
    camera.playlist = () => list(through);
    const send = (url: string, body: Buffer | string, headers = {}) =>
      fetch(url, { method: 'POST', body, headers });
    const recordings = new RecordingsClient(() => rig.control.url);
    for (const [at, piece] of made.entries()) {
      await writeFile(join(folder, nameOf(at)), piece);
      through = at;
      if (at === 0) {
        const pull = { name: 'pulled', input: { kind: 'pull', url: camera.url }, when: 'always' } as const;
        await rig.edge.configure({ sources: [pull], faults: [] });
      }
      await send(`${rig.edge.url}/v1/ingest/pushed/${nameOf(at)}`, piece);
      const headers = { 'Video-Source-Name': 'posted', 'MPEG-TS-URI-Prefix': `file://${folder}` };
      const answers = await Promise.all([
        send(`${rig.edge.url}/v1/ingest/pushed/index.m3u8`, list(at)),
        send(`${rig.edge.url}/v1/playlist`, list(at), headers),
      ]);
      for (const answer of answers) expect(await answer.json()).toMatchObject({ added: 1 });
      await sleep(1_000);
    }
    for (const source of ['pushed', 'posted', 'pulled']) {
      await rig.until(`control knows ${source}`, () => rig.source(source));
      const live = `${rig.control.url}/live/${source}/index.m3u8`;
      const text = await (await fetch(live)).text();
      const uris = urisOf(text);
      expect(uris.length).toBeGreaterThanOrEqual(3);
      for (const [at, uri] of uris.entries()) {
        const answer = await fetch(new URL(uri, live));
        expect(answer.headers.get('content-type')).toContain(type);
        const expected = made.at(at - uris.length)!;
        expect(sha256(new Uint8Array(await answer.arrayBuffer()))).toBe(sha256(expected));
      }
    }
    const ways = ['pushed', 'posted', 'pulled'];
    const started = await Promise.all(
      ways.map((source) => recordings.start({ source, from: '-30s', until: '+0s' })),
    );
    await writeFile(join(folder, 'index.m3u8'), `${list(COUNT - 1)}#EXT-X-ENDLIST\n`);
    const ofOriginal = codec === 'webvtt' ? '' : await complaintsOf(join(folder, 'index.m3u8'));
    for (const { id, source } of started) {
      expect(await recordings.ended(id, 30_000)).toMatchObject({ segments: COUNT });
      const { segments } = await recordings.replay(id);
      expect(segments.map(sha256)).toEqual(made.map(sha256));
      expect(sha256(await recordings.download(id, extension))).toBe(sha256(Buffer.concat(made)));
      const url = recordings.playlistUrl(id);
      const streams = await probeStreams(url);
      expect(streams.map((stream) => stream['codec_name'])).toEqual([codec]);
      if (codec === 'webvtt') continue;
      expect({ source, complaints: await complaintsOf(url) }).toEqual({ source, complaints: ofOriginal });
      const download = url.replace('index.m3u8', `download.${extension}`);
      expect(await probeDuration(download)).toBeCloseTo(COUNT, 0);
      const played = await playWithFfmpeg(download, 60);
      expect(played.code).toBe(0);
      // ffmpeg stumbles over ID3 in the middle of MP3, and goes on.
      if (codec === 'aac') expect(played.complaints).toBe('');
    }
  },
  90_000,
);
