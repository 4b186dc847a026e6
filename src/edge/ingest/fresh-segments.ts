import type { NeedingSegment } from '../../hls/segment-needs.ts';
import type { EncoderSegment } from '../../media/segment-record.ts';
import type { Sighting } from './open-segment.ts';
import { nameOf, placeOf } from './segment-name.ts';

/** What an edge remembers of a rendition when a playlist comes in. */
export type Known = {
  /** The encoder's life that is going on; undefined before the first, and when its numbers cannot go on. */
  readonly run?: {
    /** Its newest segment's number, as the encoder counts. */
    readonly newest: number;
    /** Its segments by the encoder's number, as far as they are remembered. */
    readonly segments: ReadonlyMap<number, EncoderSegment>;
    /** Its encoder has said ENDLIST. */
    readonly ended: boolean;
  };
  /** Whether these very bytes, as far as can be seen from outside, are in the window under that name. */
  wasTaken(name: string, sighting: Sighting): boolean;
  /** When the newest file that was taken was written; 0 when not known. */
  readonly newestModifiedAt: number;
  /** How many playlists in a row, each with newer segments than the one before, were held for old ones. */
  readonly staleInARow: number;
};

/** What a playlist adds. */
export type Intake =
  /** Nothing: posted twice, late or out of order. */
  | { readonly kind: 'nothing' }
  /** It names only what is older than all that was taken. */
  | { readonly kind: 'stale' }
  /** The run goes on: `skipped` numbers before the first fresh one were never seen in any playlist. */
  | { readonly kind: 'continue'; readonly skipped: number; readonly fresh: readonly NeedingSegment[] }
  /** An encoder began anew. `rewrote`: the file of many segments that it wrote anew, so that places in it say nothing. */
  | { readonly kind: 'run'; readonly fresh: readonly NeedingSegment[]; readonly rewrote?: string };

/** What can be seen of an entry's file; undefined when there is nothing. */
export type Look = (segment: NeedingSegment) => Promise<Sighting | undefined>;

/** How many entries, from the newest back, are looked at to tell a restart from an old playlist. */
const LOOKS = 64;
/** Files that are looked at before an encoder is held to have begun anew. */
const WITNESSES = 4;
/** A series that goes on this long is taken, whatever its files' times say: clocks may be wrong. */
const STALE_AT_MOST = 3;

/**
 * What is new in this playlist. A playlist opens a run only when it names a readable segment that the edge
 * does not have: one that is posted late opens nothing. Numbers and names alone prove nothing, since a
 * restarted encoder uses them again; the file behind the newest name that both know is the witness.
 */
export async function freshSegments(
  known: Known,
  listed: readonly NeedingSegment[],
  look: Look,
): Promise<Intake> {
  if (listed.length === 0) return { kind: 'nothing' };
  const { run } = known;
  if (run === undefined) return newRun(listed, known, look);
  const rewrote = await rewrittenFile(listed, run, look);
  if (rewrote !== undefined) return { kind: 'run', fresh: listed, rewrote };
  const entries = await renumbered(listed, run, look);
  const first = entries[0]!;

  const witnesses = findWitnesses(entries, run.segments);
  if (witnesses.length > 0) {
    if (await allAreOthers(witnesses, run.segments, look)) return newRun(entries, known, look);
    const fresh = entries.filter((entry) => entry.sequence > run.newest);
    if (run.ended) return newRun(fresh, known, look);
    return goesOn(fresh, 0, known, look);
  }

  const skipped = first.sequence - run.newest - 1;
  if (skipped >= 0 && skipped <= entries.length && !run.ended) return goesOn(entries, skipped, known, look);
  return newRun(entries, known, look);
}

/** The file of many segments that is shorter now than where the newest segment of the run ended: it was begun anew. */
async function rewrittenFile(
  entries: readonly NeedingSegment[],
  run: NonNullable<Known['run']>,
  look: Look,
): Promise<string | undefined> {
  const was = placeOf(run.segments.get(run.newest)?.name ?? '');
  const newest = entries.at(-1)!;
  if (was === undefined || newest.range === undefined || nameOf({ uri: newest.uri }) !== was.uri)
    return undefined;
  const { fileBytes = 0 } = (await look(newest)) ?? {};
  return fileBytes > 0 && fileBytes < was.end ? was.uri : undefined;
}

/**
 * The entries as their run counts. An encoder may let its list slide and not its numbers: ffmpeg with -hls_flags
 * single_file does. Then the newest segment that was taken stands there, as it was, under another number.
 */
async function renumbered(
  entries: readonly NeedingSegment[],
  run: NonNullable<Known['run']>,
  look: Look,
): Promise<readonly NeedingSegment[]> {
  const was = run.segments.get(run.newest);
  if (was === undefined || was.bytes === 0) return entries;
  const entry = entries.findLast((each) => nameOf(each) === was.name);
  if (entry === undefined || entry.sequence === run.newest) return entries;
  const seen = await look(entry);
  if (seen === undefined || differs(seen, was)) return entries;
  const shift = run.newest - entry.sequence;
  return entries.map((each) => ({ ...each, sequence: each.sequence + shift }));
}

/** Entries that the edge took under the same number and name, newest first. A name that comes again later proves nothing. */
function findWitnesses(
  entries: readonly NeedingSegment[],
  segments: ReadonlyMap<number, EncoderSegment>,
): readonly NeedingSegment[] {
  const later = new Set<string>();
  const witnesses: NeedingSegment[] = [];
  for (let index = entries.length - 1; index >= 0 && witnesses.length < WITNESSES; index--) {
    const entry = entries[index]!;
    const was = segments.get(entry.sequence);
    if (was !== undefined && was.name === nameOf(entry) && was.bytes > 0 && !later.has(was.name))
      witnesses.push(entry);
    later.add(nameOf(entry));
  }
  return witnesses;
}

/**
 * Whether an encoder that began anew has written these files. It has written every file that it lists, so one that
 * is still as it was taken says that the run goes on, and that something else touched the others. Where the newest
 * is as it was, or is gone, nothing else is looked at.
 */
async function allAreOthers(
  witnesses: readonly NeedingSegment[],
  segments: ReadonlyMap<number, EncoderSegment>,
  look: Look,
): Promise<boolean> {
  for (const [index, witness] of witnesses.entries()) {
    const seen = await look(witness);
    if (seen === undefined && index === 0) return false;
    if (seen !== undefined && !differs(seen, segments.get(witness.sequence)!)) return false;
  }
  return true;
}

/** Whether an entry is a segment that was taken, and what is there is what was taken. */
export async function isAsItWas(entry: NeedingSegment, was: EncoderSegment, look: Look): Promise<boolean> {
  if (was.name !== nameOf(entry) || was.bytes === 0) return false;
  const seen = await look(entry);
  return seen !== undefined && !differs(seen, was);
}

const differs = (seen: Sighting, was: EncoderSegment): boolean =>
  (seen.bytes > 0 && seen.bytes !== was.bytes) ||
  (seen.modifiedAt > 0 && was.modifiedAt > 0 && seen.modifiedAt !== was.modifiedAt);

/**
 * The run goes on, unless the newest of the fresh entries that can be read was there before: then this is a
 * playlist of an earlier run, posted late, whose names the encoder uses again.
 */
async function goesOn(
  fresh: readonly NeedingSegment[],
  skipped: number,
  known: Known,
  look: Look,
): Promise<Intake> {
  if (fresh.length === 0) return { kind: 'nothing' };
  for (const entry of fresh.slice(-LOOKS).reverse()) {
    const seen = await look(entry);
    if (seen === undefined) continue;
    if (known.wasTaken(nameOf(entry), seen)) return { kind: 'nothing' };
    if (isStale(seen, known)) return { kind: 'stale' };
    return { kind: 'continue', skipped, fresh };
  }
  // Numbers that do not follow, of files that are gone, may be those of an earlier life: what comes next will tell.
  return skipped > 0 ? { kind: 'nothing' } : { kind: 'continue', skipped, fresh };
}

/** Older than all that was taken. A series that goes on is believed at last: clocks may be wrong. */
const isStale = (seen: Sighting, known: Known): boolean =>
  seen.modifiedAt > 0 && seen.modifiedAt < known.newestModifiedAt && known.staleInARow < STALE_AT_MOST;

/** A run begins with the first entry that is readable and not had; what cannot be read behind it becomes a gap. */
async function newRun(entries: readonly NeedingSegment[], known: Known, look: Look): Promise<Intake> {
  const lookedFrom = Math.max(0, entries.length - LOOKS);
  let start = entries.length;
  for (let index = entries.length - 1; index >= lookedFrom; index--) {
    const seen = await look(entries[index]!);
    if (seen === undefined) continue;
    if (known.wasTaken(nameOf(entries[index]!), seen)) break;
    if (isStale(seen, known)) {
      if (start === entries.length) return { kind: 'stale' };
      break;
    }
    start = index;
  }
  if (start === entries.length) return { kind: 'nothing' };
  const first = known.newestModifiedAt === 0 && start === lookedFrom;
  return { kind: 'run', fresh: entries.slice(first ? 0 : start) };
}
