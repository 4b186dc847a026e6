import { FragmentWriter } from './fragments.ts';
import { Mp4Impossible, type Mp4Input } from './mp4-input.ts';
import { type Probe, probe, readOrNot } from './probe.ts';
import { SegmentReader, type SegmentTrack, type TimedPacket } from './read-segment.ts';
import { Timeline } from './timeline.ts';
import { wholeSegments } from './whole-segments.ts';

export { Mp4Impossible, type Mp4Input } from './mp4-input.ts';

/** As much as is kept waiting for a key frame. */
const MOST_WAITING_BYTES = 256 * 1024 * 1024;

type Options = {
  /** Told of a segment that cannot be read. It is left out: the picture stands still for as long, sound and picture stay together. */
  readonly onLeftOut?: (input: Mp4Input) => void;
};

/**
 * The MP4 as it grows: fragments that begin with key frames and an index at the end; nothing is decoded, nothing
 * written twice. At most two segments and the packets since the last key frame are kept, however long it gets, and
 * nothing is read before it is asked for. Rejects with Mp4Impossible before the first byte where the first segments of
 * the stretches show that one MP4 cannot hold them, later where it turns out then.
 *
 * `inputs` is gone through twice; what can be gone through once only (a generator) is kept as a list.
 */
export async function* remuxToMp4(
  inputs: AsyncIterable<Mp4Input> | Iterable<Mp4Input>,
  options: Options = {},
): AsyncGenerator<Buffer, void, void> {
  const mediabunny = await import('mediabunny');
  const again = await repeatable(inputs);
  const probed = await probe(again, new SegmentReader(mediabunny));
  const writer = new FragmentWriter(mediabunny, probed.tracks);
  yield await writer.header(probed.seconds, probed.beginsAtMs);
  for await (const part of partsOf(again, new SegmentReader(mediabunny), probed, options)) {
    yield* await writer.fragments(part);
  }
  yield writer.index();
}

/** Packets on the time axis of the file, gathered until a key frame comes. */
async function* partsOf(
  inputs: AsyncIterable<Mp4Input> | Iterable<Mp4Input>,
  reader: SegmentReader,
  { check }: Probe,
  { onLeftOut }: Options,
): AsyncGenerator<ReadonlyMap<string, readonly TimedPacket[]>> {
  const timeline = new Timeline();
  let waiting = new Map<string, TimedPacket[]>();
  let waitingBytes = 0;
  for await (const { input, bytes } of wholeSegments(inputs)) {
    const media = await readOrNot(reader, bytes);
    if (media === undefined) {
      onLeftOut?.(input);
      continue;
    }
    const { tracks } = media;
    for (const track of tracks) {
      check.known(track);
      check.compare(track);
    }
    const { by, joined } = timeline.place(
      tracks.map(({ extent }) => extent),
      input.discontinuity,
    );
    if (waitingBytes > 0 && (joined || beginsPart(tracks))) {
      yield waiting;
      waiting = new Map();
      waitingBytes = 0;
    }
    for (const track of tracks) gather(waiting, track, by);
    waitingBytes += bytes.length;
    if (waitingBytes > MOST_WAITING_BYTES) throw new Mp4Impossible('it goes on too long without a key frame');
  }
  if (waitingBytes > 0) yield waiting;
}

/** A part can begin with the segment: all its video begins with key frames. */
const beginsPart = (tracks: readonly SegmentTrack[]): boolean =>
  tracks.every(
    ({ description, packets }) => description.kind === 'audio' || packets[0]!.packet.type === 'key',
  );

/** Pictures before the first key frame are left out: what they build upon is not there. */
function gather(
  waiting: Map<string, TimedPacket[]>,
  { description, packets }: SegmentTrack,
  by: number,
): void {
  const gathered = waiting.get(description.key) ?? [];
  waiting.set(description.key, gathered);
  for (const timed of packets) {
    const lacksKey = description.kind === 'video' && gathered.length === 0 && timed.packet.type !== 'key';
    if (!lacksKey) gathered.push({ ...timed, at: timed.at + by });
  }
}

/** A generator gives itself when asked for its iterator: it can be gone through once. */
async function repeatable(
  inputs: AsyncIterable<Mp4Input> | Iterable<Mp4Input>,
): Promise<AsyncIterable<Mp4Input> | Iterable<Mp4Input>> {
  const iterator =
    Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]();
  if (!Object.is(iterator, inputs)) return inputs;
  const list: Mp4Input[] = [];
  for await (const input of inputs) list.push(input);
  return list;
}
