import type {
  AudioCodec,
  EncodedPacket,
  Input,
  InputAudioTrack,
  InputTrack,
  InputVideoTrack,
  MediaCodec,
  VideoCodec,
} from 'mediabunny';
import { packetsOf, pidOf } from '../../../mpegts/packet.ts';
import { readPat, readPmt } from '../../../mpegts/tables.ts';
import { TICKS_PER_SECOND } from '../../../mpegts/ticks.ts';
import { breather } from './breathe.ts';
import { configurationIn, isCutOff } from './configuration.ts';
import { Mp4Impossible, UnreadableSegment } from './mp4-input.ts';
import type { Extent } from './timeline.ts';

/** What the header of the file says of a track. */
export type TrackDescription = { readonly key: string } & (
  | { readonly kind: 'video'; readonly codec: VideoCodec; readonly config: VideoDecoderConfig }
  | { readonly kind: 'audio'; readonly codec: AudioCodec; readonly config: AudioDecoderConfig }
);

/** A packet as it stands in the segment; `at` and `length` in ticks. */
export type TimedPacket = { readonly packet: EncodedPacket; readonly at: number; readonly length: number };

export type SegmentMedia = {
  /** Those that have packets; a track keeps its key over all segments. */
  readonly tracks: readonly SegmentTrack[];
  /** No stream is named in the tables that has no packets yet. */
  readonly complete: boolean;
};

export type SegmentTrack = {
  readonly pid: number;
  readonly description: TrackDescription;
  readonly packets: readonly TimedPacket[];
  readonly extent: Extent;
  /** What must not change (see configurationIn); undefined when no packet says it. */
  readonly configuration: string | undefined;
};

/** stream_type of what is surely put in: H.264, HEVC, MPEG audio, AAC, AC-3, E-AC-3. */
const PUT_IN: ReadonlySet<number> = new Set([0x1b, 0x24, 0x03, 0x04, 0x0f, 0x81, 0x87]);

/** stream_type of what a player would miss, and mediabunny passes over without a word. */
const LEFT_OUT: Readonly<Record<number, string>> = {
  1: 'MPEG-1 video',
  2: 'MPEG-2 video',
  16: 'MPEG-4 Part 2 video',
  17: 'AAC audio in LATM',
  28: 'raw AAC audio',
  51: 'VVC video',
  66: 'AVS video',
  209: 'Dirac video',
  210: 'AVS2 video',
  234: 'VC-1 video',
};

/**
 * Reads segments of transport streams, packet by packet, without decoding. Where a segment has no parameter sets (it
 * was cut between key frames) it takes those of `from`.
 */
export class SegmentReader {
  readonly #mediabunny: typeof import('mediabunny');
  /** The newest segment that could be read by itself, for those that cannot. */
  #from: Buffer | undefined;

  constructor(mediabunny: typeof import('mediabunny')) {
    this.#mediabunny = mediabunny;
  }

  /** Throws UnreadableSegment, Mp4Impossible. */
  async read(bytes: Buffer): Promise<SegmentMedia> {
    const named = namedStreams(bytes);
    const tracks = await this.#readBy(bytes, undefined).catch(async (error: unknown) => {
      if (this.#from === undefined || error instanceof Mp4Impossible) throw unreadable(error);
      return await this.#readBy(bytes, this.#from).catch((again: unknown) => {
        throw unreadable(again);
      });
    });
    if (tracks.length === 0) throw new UnreadableSegment('no packet of a picture or sound');
    if (tracks.every(({ configuration }) => configuration !== undefined)) this.#from = bytes;
    const found = new Set(tracks.map(({ pid }) => pid));
    return { tracks, complete: [...named].every((pid) => found.has(pid)) };
  }

  async #readBy(bytes: Buffer, from: Buffer | undefined): Promise<readonly SegmentTrack[]> {
    const initInput = from === undefined ? undefined : this.#open(from);
    // Its streams are known only when they were asked for.
    await initInput?.getTracks();
    const input = this.#open(bytes, initInput);
    try {
      const found: SegmentTrack[] = [];
      for (const track of await input.getTracks()) {
        const read = await this.#readTrack(track);
        if (read !== undefined) found.push(read);
      }
      return found;
    } finally {
      input.dispose();
      initInput?.dispose();
    }
  }

  #open(bytes: Buffer, initInput?: Input): Input {
    const { BufferSource, Input: Opened, MPEG_TS } = this.#mediabunny;
    return new Opened({
      source: new BufferSource(bytes),
      formats: [MPEG_TS],
      ...(initInput === undefined ? {} : { initInput }),
    });
  }

  async #readTrack(track: InputTrack): Promise<SegmentTrack | undefined> {
    const description = await describe(track);
    if (description === undefined) return undefined;
    const { codec } = description;
    const packets: TimedPacket[] = [];
    let configuration: string | undefined;
    const breathe = breather();
    for await (const packet of new this.#mediabunny.EncodedPacketSink(track).packets()) {
      await breathe();
      if (isCutOff(codec, packet.data)) continue;
      if (description.kind === 'audio' || packet.type === 'key') {
        const says = configurationIn(codec, packet.data);
        if (says !== undefined && configuration !== undefined && says !== configuration) {
          throw new Mp4Impossible(`the settings of the ${description.kind} encoder change within a segment`);
        }
        configuration ??= says;
      }
      refuseLayer2(codec, packet);
      packets.push({
        packet,
        at: Math.round(packet.timestamp * TICKS_PER_SECOND),
        length: Math.round(packet.duration * TICKS_PER_SECOND),
      });
    }
    if (packets.length === 0) return undefined;
    return { pid: track.id, description, packets, extent: extentOf(description.key, packets), configuration };
  }
}

/** A track as the header tells it, or undefined when nobody knows what it is. */
async function describe(track: InputTrack): Promise<TrackDescription | undefined> {
  const [codec, config] = await Promise.all([
    (track as InputVideoTrack | InputAudioTrack).getCodec() as Promise<MediaCodec | null>,
    (track as InputVideoTrack | InputAudioTrack).getDecoderConfig(),
  ]);
  if (codec === null || config === null) return undefined;
  const key = `${track.type}${track.number}`;
  if (track.isVideoTrack()) {
    return { key, kind: 'video', codec: codec as VideoCodec, config: config as VideoDecoderConfig };
  }
  return { key, kind: 'audio', codec: codec as AudioCodec, config: config as AudioDecoderConfig };
}

/** What of a track players need at once and an MP4 says once, as a person says it. */
export function spoken({ kind, config }: TrackDescription): string {
  if (kind === 'audio')
    return `${config.codec}, ${config.sampleRate} Hz, ${config.numberOfChannels} channels`;
  const aspect =
    config.displayAspectWidth === undefined
      ? ''
      : ` shown ${config.displayAspectWidth}×${config.displayAspectHeight}`;
  return `${config.codec}, ${config.codedWidth}×${config.codedHeight}${aspect}`;
}

function extentOf(track: string, packets: readonly TimedPacket[]): Extent {
  let [first, last, end] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { at, length } of packets) {
    first = Math.min(first, at);
    last = Math.max(last, at);
    end = Math.max(end, at + length);
  }
  return { track, first, last, end };
}

/** MPEG audio of layer II looks like MP3 to the reader; MP4 has no common name for it, and no browser plays it. */
function refuseLayer2(codec: MediaCodec, { data }: EncodedPacket): void {
  if (codec === 'mp3' && ((data[1]! >> 1) & 0b11) !== 0b01) {
    throw new Mp4Impossible('it has MPEG audio that is not layer III (MP3)');
  }
}

/**
 * The streams of picture and sound that the tables name. Throws UnreadableSegment where the bytes are not whole packets,
 * Mp4Impossible where a stream would be lost.
 */
function namedStreams(bytes: Buffer): ReadonlySet<number> {
  const named = new Set<number>();
  try {
    let maps: readonly number[] = [];
    for (const packet of packetsOf(bytes)) {
      maps = readPat(packet) ?? maps;
      if (!maps.includes(pidOf(packet))) continue;
      for (const { type, pid } of readPmt(packet)?.streams ?? []) {
        if (LEFT_OUT[type] !== undefined) throw new Mp4Impossible(`it has ${LEFT_OUT[type]}`);
        if (PUT_IN.has(type)) named.add(pid);
      }
    }
  } catch (error) {
    throw error instanceof RangeError ? unreadable(error) : error;
  }
  return named;
}

const unreadable = (error: unknown): Error =>
  error instanceof Mp4Impossible || error instanceof UnreadableSegment
    ? error
    : new UnreadableSegment(error instanceof Error ? error.message : String(error), { cause: error });
