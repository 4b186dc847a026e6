import type { Event } from './history.ts';
import { type Hole, holesOf, isStated, SILENT, type StatedGap, statedOf } from './holes.ts';
import { type Obligations, obligationsOf } from './obligations.ts';
import {
  type Entry,
  entriesOf,
  type Replay,
  SegmentBook,
  type SourceSpec,
  segmentsOfDownload,
} from './replayed.ts';
import { labelOf, type SegmentId, sha256 } from './segment-bytes.ts';

/** What `GET /v1/recordings/{id}` says, as far as the oracle reads it. */
export type RecordingJson = {
  readonly id: string;
  readonly state: string;
  readonly from: string;
  readonly until: string | null;
  readonly gaps: readonly StatedGap[];
};

/** What a row allows. */
export type Allowance = {
  /** Reasons of gaps that may be stated for what is not owed: what the encoder itself spoiled. */
  readonly reasons: readonly string[];
  /** The same reasons excuse what is owed too. */
  readonly ofOwed?: boolean;
};

export type Evidence = {
  readonly events: readonly Event[];
  readonly spec: SourceSpec;
  readonly recording: RecordingJson;
  readonly replay: Replay;
  /** The bytes of `download.ts`. */
  readonly download?: Buffer;
  readonly allowed: Allowance;
  /** How far `from` lies before the request; 0 or less. */
  readonly fromOffsetMs?: number;
  /** What probers of live playlists found, as sentences (I7). */
  readonly live?: readonly string[];
};

export type Verdict = {
  /** Sentences, each begun with the invariant that it breaks. Empty: the recording is as it must be. */
  readonly violations: readonly string[];
  /** Worth knowing, no violation. */
  readonly notes: readonly string[];
  readonly owed: number;
  readonly allowed: number;
  readonly kept: number;
};

/** I1 to I7 of a finished recording. */
export function check(evidence: Evidence): Verdict {
  const { events, spec, recording, replay, fromOffsetMs = 0 } = evidence;
  const obligations = obligationsOf(events, { id: recording.id, durationMs: spec.durationMs, fromOffsetMs });
  const book = new SegmentBook(
    spec,
    [...obligations.facts.values()].map(({ segment }) => segment),
  );
  const { playlist, entries } = entriesOf(replay, book);
  const kept = entries.flatMap(({ segment }) => segment ?? []);
  const holes = holesOf(entries, wantedOf(obligations, kept), spec.durationMs);
  const violations = [
    ...checkHoles(holes, obligations, evidence),
    ...checkBelongs(entries, obligations, replay, book),
    ...checkOnceInOrder(kept, entries),
    ...checkBytes(entries, replay),
    ...checkState(holes, recording, evidence.allowed),
    ...checkPlaylist(playlist.lines, entries, playlist.targetDuration),
    ...checkDownload(evidence.download, entries, book),
    ...(evidence.live ?? []).map((sentence) => `I7 live contract: ${sentence}`),
  ];
  const groundless = recording.gaps.filter(
    (gap) => gap.reason !== SILENT && !holes.some((hole) => meets(hole, gap)),
  );
  return {
    violations,
    notes: groundless.map(
      ({ from, until, reason }) =>
        `a gap ${reason} is stated ${from} to ${until} where nothing announced is missing`,
    ),
    owed: obligations.must.size,
    allowed: obligations.may.size,
    kept: kept.length,
  };
}

const meets = (hole: Hole, { from, until }: StatedGap): boolean =>
  Date.parse(from) < hole.until && Date.parse(until) > hole.from;

const named = (labels: readonly string[]): string =>
  labels.length <= 8
    ? labels.join(', ')
    : `${labels.slice(0, 6).join(', ')} … ${labels.at(-1)} (${labels.length})`;

/** What is looked for: all that is owed, and whatever lies between what is there. In the order of runs and numbers. */
function wantedOf({ must, may, facts }: Obligations, kept: readonly SegmentId[]) {
  const order = (a: SegmentId, b: SegmentId) => a.run - b.run || a.sequence - b.sequence;
  const known = new Set([...must, ...kept.map(labelOf)]);
  const all = [...facts.values()].sort((a, b) => order(a.segment, b.segment));
  const first = all.findIndex(({ label }) => known.has(label));
  const last = all.findLastIndex(({ label }) => known.has(label));
  return all.filter(
    ({ label }, index) => (index >= first && index <= last && may.has(label)) || known.has(label),
  );
}

/** I1, I6: whatever was announced and is not there is owned up to, by a reason that the row knows. */
function checkHoles(
  holes: readonly Hole[],
  { must }: Obligations,
  { recording, allowed, spec }: Evidence,
): string[] {
  return holes.flatMap((hole) => {
    const owed = hole.missing.filter(({ label }) => must.has(label)).map(({ label }) => label);
    const labels = named(hole.missing.map(({ label }) => label));
    const stated = statedOf(hole, recording.gaps);
    const full = isStated(hole, stated, spec.durationMs);
    const found: string[] = [];
    if (owed.length > 0 && !(allowed.ofOwed && full))
      found.push(`I1 completeness: ${named(owed)} is owed and missing`);
    if (!full) {
      const what = stated.ms === 0 ? 'no gap says so' : `gaps own up to ${Math.round(stated.ms)} ms only`;
      found.push(`I6 honesty: ${labels} was announced and is missing, and ${what}`);
    }
    const strange = stated.reasons.filter((reason) => !allowed.reasons.includes(reason));
    if (strange.length > 0)
      found.push(`I6 honesty: ${labels} is missing for ${strange.join(', ')}, which this row does not allow`);
    if (hole.inside && !hole.shown) {
      found.push(
        `I6 honesty: ${labels} is missing and the playlist has neither EXT-X-GAP nor EXT-X-DISCONTINUITY there`,
      );
    }
    return found;
  });
}

/** I2: nothing that no encoder made, nothing from outside the time that was asked for. */
function checkBelongs(
  entries: readonly Entry[],
  { may }: Obligations,
  replay: Replay,
  book: SegmentBook,
): string[] {
  return entries.flatMap(({ gap, uri, segment }) => {
    if (gap) return [];
    const bytes = replay.segments.get(uri);
    if (bytes === undefined) return [`I5 bytes: ${uri} is listed and could not be read`];
    if (segment === undefined) return [`I2 no invention, I5 bytes: ${uri} has ${book.describe(bytes)}`];
    return may.has(labelOf(segment))
      ? []
      : [`I2 no invention: ${labelOf(segment)} does not belong to the recording`];
  });
}

/** I3, I4. A new run without EXT-X-DISCONTINUITY is no order either. */
function checkOnceInOrder(kept: readonly SegmentId[], entries: readonly Entry[]): string[] {
  const found: string[] = [];
  const times = new Map<string, number>();
  for (const segment of kept) times.set(labelOf(segment), (times.get(labelOf(segment)) ?? 0) + 1);
  for (const [label, count] of times) {
    if (count > 1) found.push(`I3 exactly once: ${label} is there ${count} times`);
  }
  let before: SegmentId | undefined;
  let shown = false;
  for (const { segment, discontinuity, gap } of entries) {
    shown ||= discontinuity || gap;
    if (segment === undefined) continue;
    if (before !== undefined) {
      const rises = segment.run - before.run || segment.sequence - before.sequence;
      if (rises < 0) found.push(`I4 order: ${labelOf(segment)} stands behind ${labelOf(before)}`);
      const follows = segment.run === before.run && segment.sequence === before.sequence + 1;
      if (!follows && rises > 0 && !shown) {
        found.push(
          `I4 order: ${labelOf(segment)} follows ${labelOf(before)} without EXT-X-GAP or EXT-X-DISCONTINUITY`,
        );
      }
    }
    before = segment;
    shown = false;
  }
  return found;
}

/** I5: the name is the hash, and a second reading gives the same. */
function checkBytes(entries: readonly Entry[], { segments, readAgain }: Replay): string[] {
  return entries.flatMap(({ uri, gap }) => {
    const bytes = segments.get(uri);
    if (gap || bytes === undefined) return [];
    const said = /-([A-Za-z0-9_-]{22})\.[a-z0-9]+$/.exec(uri)?.[1];
    const found: string[] = [];
    if (said !== undefined && !sha256(bytes).startsWith(said))
      found.push(`I5 bytes: ${uri} does not hold what its name says`);
    const again = readAgain?.get(uri);
    if (readAgain !== undefined && !(again?.equals(bytes) ?? false))
      found.push(`I5 bytes: ${uri} is another when read again`);
    return found;
  });
}

/** I6: `complete` is a promise, `incomplete` a confession. */
function checkState(holes: readonly Hole[], { state, gaps }: RecordingJson, allowed: Allowance): string[] {
  if (state !== 'complete' && state !== 'incomplete') return [`I8 liveness: the recording is still ${state}`];
  const reasons = [...new Set(gaps.map(({ reason }) => reason).filter((reason) => reason !== SILENT))];
  const found: string[] = [];
  if (state === 'complete' && (holes.length > 0 || reasons.length > 0)) {
    const why = reasons.length > 0 ? `it states ${reasons.join(', ')}` : 'announced segments are missing';
    found.push(`I6 honesty: the state is complete, but ${why}`);
  }
  if (state === 'incomplete' && reasons.length === 0)
    found.push('I6 honesty: the state is incomplete, but no gap says why');
  const strange = reasons.filter((reason) => !allowed.reasons.includes(reason));
  if (strange.length > 0)
    found.push(`I6 honesty: gaps ${strange.join(', ')} are stated, which this row does not allow`);
  return found;
}

/** RFC 8216 of a finished replay. */
function checkPlaylist(
  lines: readonly string[],
  entries: readonly Entry[],
  targetDuration: number,
): string[] {
  const found: string[] = [];
  if (!lines.includes('#EXT-X-ENDLIST')) found.push('I6 honesty: the finished replay has no EXT-X-ENDLIST');
  const longest = Math.max(0, ...entries.map(({ duration }) => Math.round(duration)));
  if (!(targetDuration >= longest))
    found.push(
      `I7 live contract: the replay has TARGETDURATION ${targetDuration} and an EXTINF of ${longest}`,
    );
  return found;
}

/** The download is the replay in one piece. */
function checkDownload(download: Buffer | undefined, entries: readonly Entry[], book: SegmentBook): string[] {
  if (download === undefined) return [];
  const label = (segment: SegmentId | undefined) => (segment ? labelOf(segment) : 'unknown');
  const got = segmentsOfDownload(download, book).map(label);
  const want = entries.filter(({ gap }) => !gap).map(({ segment }) => label(segment));
  const differs = got.findIndex((one, index) => one !== want[index]);
  if (differs < 0 && got.length === want.length) return [];
  const at = differs < 0 ? got.length : differs;
  return [
    `I5 bytes: download.ts has ${got[at] ?? 'nothing'} where the replay has ${want[at] ?? 'nothing'}, as segment ${at + 1} of ${want.length}`,
  ];
}
