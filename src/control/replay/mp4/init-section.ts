import { type Box, box, boxesOf, u32, u64 } from './boxes.ts';
import { Mp4Impossible } from './mp4-input.ts';

/** What the init section says of a track's time; the other values count in its unit, `scale` to a second. */
export type TrackClock = {
  readonly scale: number;
  /** How much earlier than their composition time packets are shown: what an edit list takes away, less what it puts before. */
  readonly earlier: number;
  /** Of packets of which their fragment does not say it (trex, ISO/IEC 14496-12 §8.8.3). */
  readonly duration: number;
  readonly flags: number;
};

const TWO_DATES = { short: 8, long: 16 } as const;
const FULL_BOX_BYTES = 4;
const VERSION_1 = Buffer.from([1, 0, 0, 0]);

/** Reads the clocks of the tracks, by the numbers of the tracks. Throws Mp4Impossible where it is no init section. */
export function readClocks(init: Buffer): ReadonlyMap<number, TrackClock> {
  try {
    const moov = [...boxesOf(only(boxesOf(init), 'moov').body)];
    const movieScale = scaleOf(only(moov, 'mvhd').body);
    const mvex = moov.find(({ type }) => type === 'mvex');
    const defaults = new Map<number, { readonly duration: number; readonly flags: number }>();
    for (const { type, body } of mvex === undefined ? [] : boxesOf(mvex.body)) {
      if (type !== 'trex') continue;
      defaults.set(body.readUInt32BE(4), { duration: body.readUInt32BE(12), flags: body.readUInt32BE(20) });
    }
    const clocks = new Map<number, TrackClock>();
    for (const { type, body } of moov) {
      if (type !== 'trak') continue;
      const track = trackOf(body);
      const scale = scaleOf(only(boxesOf(only(boxesOf(body), 'mdia').body), 'mdhd').body);
      const { duration = 0, flags = 0 } = defaults.get(track) ?? {};
      clocks.set(track, { scale, earlier: earlierBy(body, scale, movieScale), duration, flags });
    }
    if (clocks.size === 0) throw new RangeError('no track');
    return clocks;
  } catch (error) {
    if (error instanceof RangeError)
      throw new Mp4Impossible('its init section cannot be read', { cause: error });
    throw error;
  }
}

/** The beginning of a file, with edit lists that take so much away from the beginning of each track, and no others. */
export function withEdits(init: Buffer, taken: ReadonlyMap<number, number>): Buffer {
  const rewrite = (bytes: Buffer): Buffer[] =>
    [...boxesOf(bytes)].map(({ type, body }) => {
      if (type === 'moov') return box(type, ...rewrite(body));
      if (type !== 'trak') return box(type, body);
      const others = [...boxesOf(body)].filter((inner) => inner.type !== 'edts');
      const edits = editsOf(taken.get(trackOf(body)) ?? 0);
      const printed = others.map((inner) => box(inner.type, inner.body));
      const after = others.findIndex((inner) => inner.type === 'tkhd') + 1;
      return box(type, ...printed.slice(0, after), ...edits, ...printed.slice(after));
    });
  // Some encoders leave fragments behind it.
  const head = [...boxesOf(init)].filter(({ type }) => type === 'ftyp' || type === 'moov');
  return Buffer.concat(rewrite(Buffer.concat(head.map(({ type, body }) => box(type, body)))));
}

/** One edit as long as the file (§8.6.6: 0 in a fragmented one), at the usual speed. */
const editsOf = (taken: number): readonly Buffer[] =>
  taken === 0 ? [] : [box('edts', box('elst', VERSION_1, u32(1), u64(0), u64(taken), u32(0x10000)))];

/** Players go by the empty edits at the beginning of the list and by the first other one. */
function earlierBy(trak: Buffer, scale: number, movieScale: number): number {
  const edts = [...boxesOf(trak)].find(({ type }) => type === 'edts');
  const elst = edts && [...boxesOf(edts.body)].find(({ type }) => type === 'elst');
  if (elst === undefined) return 0;
  const { body } = elst;
  const isLong = body[0] === 1;
  let empty = 0;
  for (let index = 0, at = 8; index < body.readUInt32BE(4); index++, at += isLong ? 20 : 12) {
    const duration = isLong ? Number(body.readBigUInt64BE(at)) : body.readUInt32BE(at);
    const time = isLong ? Number(body.readBigInt64BE(at + 8)) : body.readInt32BE(at + 4);
    if (time >= 0) return time - Math.round((empty / movieScale) * scale);
    empty += duration;
  }
  return -Math.round((empty / movieScale) * scale);
}

const datesOf = (body: Buffer): number => FULL_BOX_BYTES + (body[0] === 1 ? TWO_DATES.long : TWO_DATES.short);
/** Of mvhd and mdhd. */
const scaleOf = (body: Buffer): number => {
  const scale = body.readUInt32BE(datesOf(body));
  if (scale === 0) throw new RangeError('a clock that stands still');
  return scale;
};
const trackOf = (trak: Buffer): number => {
  const { body } = only(boxesOf(trak), 'tkhd');
  return body.readUInt32BE(datesOf(body));
};

function only(boxes: Iterable<Box>, wanted: string): Box {
  for (const each of boxes) if (each.type === wanted) return each;
  throw new RangeError(`no ${wanted}`);
}
