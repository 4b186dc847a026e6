import { type Box, box, boxesOf, u32, u64 } from './boxes.ts';

/** A packet in the header of its fragment. `composition` is how much later it is shown than decoded. */
export type Sample = {
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
  readonly composition: number;
};

/** The packets of one track in a fragment; times in the unit of the track. */
export type Run = { readonly track: number; readonly begin: number; readonly samples: readonly Sample[] };

/** What a movie fragment (moof, ISO/IEC 14496-12 §8.8) says of the media data behind it, where the runs follow each other. */
export type Fragment = { readonly runs: readonly Run[] };

// tf_flags and tr_flags (§8.8.7, §8.8.8).
const BASE_IS_MOOF = 0x020000;
const BASE_DATA_OFFSET = 0x000001;
const DESCRIPTION_INDEX = 0x000002;
const DEFAULTS = { duration: 0x08, size: 0x10, flags: 0x20 } as const;
const DATA_OFFSET = 0x001;
const FIRST_FLAGS = 0x004;
const PER_SAMPLE = { duration: 0x100, size: 0x200, flags: 0x400, composition: 0x800 } as const;
const ALL_PER_SAMPLE = 0xf00;
const MDAT_HEADER_BYTES = 8;
/** A segment lasts 60 s at most. */
const MOST_SAMPLES = 100_000;

/** What a packet is where its fragment does not say it. */
export type SampleDefaults = Pick<Sample, 'duration' | 'flags'>;

/**
 * Reads a moof. `defaultsOf` are those of a track that the init section states. Throws RangeError where it is none, or a
 * track in it does not say when it begins (tfdt).
 */
export function parseFragment(
  moof: Buffer,
  defaultsOf: (track: number) => SampleDefaults = () => ({ duration: 0, flags: 0 }),
): Fragment {
  const [whole] = boxesOf(moof);
  return { runs: trafsOf(whole!).map((traf) => parseRun(traf, defaultsOf)) };
}

/** The moof with its runs that much earlier, none before 0. Nothing else of it is changed. */
export function movedEarlier(moof: Buffer, by: (track: number) => number): Buffer {
  const moved = Buffer.from(moof);
  const [whole] = boxesOf(moved);
  for (const traf of trafsOf(whole!)) {
    const { tfhd, tfdt } = partsOf(traf);
    const begin = Math.max(0, beginOf(tfdt) - by(trackOf(tfhd)));
    if (tfdt[0] === 1) tfdt.writeBigUInt64BE(BigInt(begin), 4);
    else tfdt.writeUInt32BE(begin, 4);
  }
  return moved;
}

/** Prints it, for an mdat that follows at once. */
export function printFragment({ runs }: Fragment, sequence: number): Buffer {
  const print = (dataAt: number): Buffer => {
    let offset = dataAt;
    const trafs = runs.map((run) => {
      const traf = printRun(run, offset);
      offset += run.samples.reduce((sum, { size }) => sum + size, 0);
      return traf;
    });
    return box('moof', box('mfhd', u32(0), u32(sequence)), ...trafs);
  };
  // Its length does not depend on the offsets in it.
  return print(print(0).length + MDAT_HEADER_BYTES);
}

const trafsOf = ({ body }: Box): readonly Buffer[] =>
  [...boxesOf(body)].filter(({ type }) => type === 'traf').map((traf) => traf.body);

const beginOf = (tfdt: Buffer): number =>
  tfdt[0] === 1 ? Number(tfdt.readBigUInt64BE(4)) : tfdt.readUInt32BE(4);
const trackOf = (tfhd: Buffer): number => tfhd.readUInt32BE(4);

/** Of a traf: a track may have several truns in it, one behind the other (§8.8.8). */
function partsOf(traf: Buffer): {
  readonly tfhd: Buffer;
  readonly tfdt: Buffer;
  readonly truns: readonly Buffer[];
} {
  const parts = [...boxesOf(traf)];
  const bodyOf = (wanted: string) => parts.find(({ type }) => type === wanted)?.body;
  const [tfhd, tfdt] = [bodyOf('tfhd'), bodyOf('tfdt')];
  if (tfhd === undefined || tfdt === undefined)
    throw new RangeError('a fragment that does not say when it begins');
  return { tfhd, tfdt, truns: parts.filter(({ type }) => type === 'trun').map(({ body }) => body) };
}

function parseRun(traf: Buffer, defaultsOf: (track: number) => SampleDefaults): Run {
  const { tfhd, tfdt, truns } = partsOf(traf);
  const track = trackOf(tfhd);
  const defaults = ownDefaults(tfhd, defaultsOf(track));
  return { track, begin: beginOf(tfdt), samples: truns.flatMap((trun) => parseSamples(trun, defaults)) };
}

function ownDefaults(tfhd: Buffer, otherwise: SampleDefaults): Sample {
  const flags = tfhd.readUInt32BE(0);
  let at = 8;
  if ((flags & BASE_DATA_OFFSET) !== 0) at += 8;
  if ((flags & DESCRIPTION_INDEX) !== 0) at += 4;
  const next = (flag: number, other: number): number => {
    if ((flags & flag) === 0) return other;
    at += 4;
    return tfhd.readUInt32BE(at - 4);
  };
  const duration = next(DEFAULTS.duration, otherwise.duration);
  const [size, sampleFlags] = [next(DEFAULTS.size, 0), next(DEFAULTS.flags, otherwise.flags)];
  return { duration, size, flags: sampleFlags, composition: 0 };
}

function parseSamples(trun: Buffer, defaults: Sample): readonly Sample[] {
  const flags = trun.readUInt32BE(0);
  const count = trun.readUInt32BE(4);
  if (count > MOST_SAMPLES) throw new RangeError(`${count} packets in one run`);
  let at = 8 + ((flags & DATA_OFFSET) !== 0 ? 4 : 0);
  const next = (flag: number, otherwise: number): number => {
    if ((flags & flag) === 0) return otherwise;
    at += 4;
    return trun.readUInt32BE(at - 4);
  };
  const firstFlags = next(FIRST_FLAGS, defaults.flags);
  return Array.from({ length: count }, (_, index) => ({
    duration: next(PER_SAMPLE.duration, defaults.duration),
    size: next(PER_SAMPLE.size, defaults.size),
    flags: next(PER_SAMPLE.flags, index === 0 ? firstFlags : defaults.flags),
    // Signed in version 1 (§8.8.8).
    composition: next(PER_SAMPLE.composition, 0) | 0,
  }));
}

function printRun({ track, begin, samples }: Run, dataOffset: number): Buffer {
  const table = Buffer.alloc(samples.length * 16);
  samples.forEach(({ duration, size, flags, composition }, index) => {
    table.writeUInt32BE(duration, index * 16);
    table.writeUInt32BE(size, index * 16 + 4);
    table.writeUInt32BE(flags >>> 0, index * 16 + 8);
    table.writeInt32BE(composition, index * 16 + 12);
  });
  const head = [u32(0x01000000 | DATA_OFFSET | ALL_PER_SAMPLE), u32(samples.length), u32(dataOffset)];
  return box(
    'traf',
    box('tfhd', u32(BASE_IS_MOOF), u32(track)),
    box('tfdt', u32(0x01000000), u64(begin)),
    box('trun', ...head, table),
  );
}
