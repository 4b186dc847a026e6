import type { EncodedPacket, Output } from 'mediabunny';
import { TICKS_PER_SECOND } from '../../../mpegts/ticks.ts';
import { withDuration } from './boxes.ts';
import { breather } from './breathe.ts';
import { decodeEarlier } from './decode-times.ts';
import { parseFragment, printFragment, type Run } from './fragment-header.ts';
import { RandomAccess } from './random-access.ts';
import type { TimedPacket, TrackDescription } from './read-segment.ts';

/** A track of the file; `priming` is a packet that says what its decoder must know (parameter sets, the AC-3 header). */
export type FileTrack = {
  readonly description: TrackDescription;
  readonly priming: EncodedPacket;
  /** Of video: how long before they are shown its pictures are decoded, in ticks. */
  readonly delay: number;
};

/** Packets of the file by their track's key; `at` counts from the beginning of the file. */
export type Part = ReadonlyMap<string, readonly TimedPacket[]>;

/** Fragments shorter than this are put together, where a part has more than one key frame. */
const SHORTEST_FRAGMENT_SECONDS = 2;

type Sink = {
  readonly ftyp?: (bytes: Buffer) => void;
  readonly moov?: (bytes: Buffer) => void;
  readonly moof?: (bytes: Buffer) => void;
  readonly mdat?: (bytes: Buffer) => void;
};

/**
 * Prints the file: a header, fragments, an index. mediabunny keeps a note of every packet until its output is
 * finished; so each part is an output of its own, of which only the fragments are taken. Their times are absolute; their
 * headers are printed anew, with the numbers and decode times that they have in the whole file.
 */
export class FragmentWriter {
  readonly #mediabunny: typeof import('mediabunny');
  readonly #tracks: readonly FileTrack[];
  readonly #index = new RandomAccess();
  #written = 0;
  #sequence = 0;

  constructor(mediabunny: typeof import('mediabunny'), tracks: readonly FileTrack[]) {
    this.#mediabunny = mediabunny;
    this.#tracks = tracks;
  }

  /** ftyp and moov. */
  async header(seconds: number, createdAtMs: number): Promise<Buffer> {
    const boxes: Buffer[] = [];
    const { output } = this.#open({
      ftyp: (bytes) => boxes.push(bytes),
      moov: (bytes) => boxes.push(withDuration(bytes, seconds, createdAtMs)),
    });
    await output.start();
    await output.finalize();
    return this.#count(Buffer.concat(boxes));
  }

  /** The fragments of a part. Each of its tracks of video begins with a key frame. */
  async fragments(part: Part): Promise<readonly Buffer[]> {
    const boxes: Buffer[] = [];
    const { output, add } = this.#open({
      moof: (bytes) => {
        this.#sequence += 1;
        const fragment = { runs: parseFragment(bytes).runs.map((run) => this.#inTime(run)) };
        this.#index.add(fragment, this.#written);
        boxes.push(this.#count(printFragment(fragment, this.#sequence)));
      },
      mdat: (bytes) => boxes.push(this.#count(bytes)),
    });
    await output.start();
    const breathe = breather();
    for (const [key, packets] of part) {
      for (const { packet, at, length } of packets) {
        await breathe();
        const timestamp = at / TICKS_PER_SECOND;
        await add.get(key)!(packet.clone({ timestamp, duration: length / TICKS_PER_SECOND }));
      }
    }
    await output.finalize();
    return boxes;
  }

  /** The index, the last thing in the file. */
  index(): Buffer {
    return this.#count(this.#index.box());
  }

  /** mediabunny numbers the tracks from 1, as they were added. */
  #inTime(run: Run): Run {
    const track = this.#tracks[run.track - 1]!;
    return track.description.kind === 'video' ? decodeEarlier(run, track.delay) : run;
  }

  #count(bytes: Buffer): Buffer {
    this.#written += bytes.length;
    return bytes;
  }

  #open(sink: Sink): { output: Output; add: Map<string, (packet: EncodedPacket) => Promise<void>> } {
    const { EncodedAudioPacketSource, EncodedVideoPacketSource, Mp4OutputFormat, NullTarget, Output } =
      this.#mediabunny;
    const output = new Output({
      format: new Mp4OutputFormat({
        fastStart: 'fragmented',
        minimumFragmentDuration: SHORTEST_FRAGMENT_SECONDS,
        ...(sink.ftyp && { onFtyp: given(sink.ftyp) }),
        ...(sink.moov && { onMoov: given(sink.moov) }),
        ...(sink.moof && { onMoof: given(sink.moof) }),
        ...(sink.mdat && { onMdat: given(sink.mdat) }),
      }),
      target: new NullTarget(),
    });
    const add = new Map<string, (packet: EncodedPacket) => Promise<void>>();
    for (const { description, priming: primingPacket } of this.#tracks) {
      const { key, kind, codec, config: decoderConfig } = description;
      if (kind === 'video') {
        const source = new EncodedVideoPacketSource(codec);
        // A frame rate of 90 kHz makes the ticks of the transport stream the unit of the track: nothing is rounded.
        output.addVideoTrack(source, { frameRate: TICKS_PER_SECOND, decoderConfig, primingPacket });
        add.set(key, (packet) => source.add(packet));
      } else {
        const source = new EncodedAudioPacketSource(codec);
        output.addAudioTrack(source, { decoderConfig, primingPacket });
        add.set(key, (packet) => source.add(packet));
      }
    }
    return { output, add };
  }
}

const given =
  (take: (bytes: Buffer) => void) =>
  (data: Uint8Array): void =>
    take(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
