import { box, boxesOf, u32, u64 } from './boxes.ts';

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

/** Reads a moof as mediabunny writes it: one trun in each traf. */
export function parseFragment(moof: Buffer): Fragment {
  const [whole] = boxesOf(moof);
  const trafs = [...boxesOf(whole!.body)].filter(({ type }) => type === 'traf');
  return { runs: trafs.map(({ body }) => parseRun(body)) };
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

function parseRun(traf: Buffer): Run {
  const parts = new Map([...boxesOf(traf)].map(({ type, body }) => [type, body]));
  const [tfhd, tfdt, trun] = [parts.get('tfhd')!, parts.get('tfdt')!, parts.get('trun')!];
  const begin = tfdt[0] === 1 ? Number(tfdt.readBigUInt64BE(4)) : tfdt.readUInt32BE(4);
  return { track: tfhd.readUInt32BE(4), begin, samples: parseSamples(trun, defaultsOf(tfhd)) };
}

function defaultsOf(tfhd: Buffer): Sample {
  const flags = tfhd.readUInt32BE(0);
  let at = 8;
  if ((flags & BASE_DATA_OFFSET) !== 0) at += 8;
  if ((flags & DESCRIPTION_INDEX) !== 0) at += 4;
  const next = (flag: number): number => {
    if ((flags & flag) === 0) return 0;
    at += 4;
    return tfhd.readUInt32BE(at - 4);
  };
  const [duration, size, sampleFlags] = [next(DEFAULTS.duration), next(DEFAULTS.size), next(DEFAULTS.flags)];
  return { duration, size, flags: sampleFlags, composition: 0 };
}

function parseSamples(trun: Buffer, defaults: Sample): readonly Sample[] {
  const flags = trun.readUInt32BE(0);
  const count = trun.readUInt32BE(4);
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
