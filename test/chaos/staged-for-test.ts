import type { Evidence, RecordingJson } from './checker.ts';
import type { Event, Happening } from './history.ts';
import type { StatedGap } from './holes.ts';
import { type SegmentId, segmentBytes, sha256 } from './segment-bytes.ts';

export const spec = { seed: 'a seed', source: 'camera-0', durationMs: 500, bytes: 4_000 };

const WALL = Date.parse('2026-01-01T00:00:00Z');
const START = 2_050;
const STOP = 8_150;

export const bytesOf = ({ run, sequence }: SegmentId): Buffer =>
  segmentBytes(spec.seed, spec.source, run, sequence, spec.durationMs, spec.bytes);

/** When a segment of the staged encoder begins: number 0 of run 0 at 0, run 1 where run 0 ends, after ten. */
const beginsAt = ({ run, sequence }: SegmentId) => (run * 10 + sequence) * spec.durationMs;

/** A history of twenty segments, half a second each, of one run or two, and a recording from the fifth to the sixteenth. */
export function stagedEvents(runs = 1, spoiled: readonly string[] = []): Event[] {
  const events: Event[] = [];
  const add = (at: number, happening: Happening) => events.push({ at, wall: WALL + at, ...happening });
  for (let index = 0; index < 20; index++) {
    const run = runs === 1 ? 0 : Math.floor(index / 10);
    const segment = { run, sequence: runs === 1 ? index : index % 10 };
    const at = beginsAt(segment) + spec.durationMs;
    add(at, { type: 'file.whole', segment });
    if (spoiled.includes(`${run}/${segment.sequence}`))
      add(at, { type: 'file.spoiled', segment, how: 'cut' });
    add(at, { type: 'announce', post: index, segments: [segment], move: 'plain' });
    add(at + 1, { type: 'announce.sent', post: index });
    add(at + 5, { type: 'ack', post: index, status: 200 });
  }
  add(START - 10, { type: 'rec.start.req', body: {} });
  add(START, { type: 'rec.start.resp', id: 'r' });
  add(STOP, { type: 'rec.stop.req', id: 'r' });
  add(STOP + 10, { type: 'rec.stop.resp', id: 'r' });
  return events.sort((a, b) => a.at - b.at);
}

/** Segments of run 0, both included. */
export const range = (first: number, last: number, run = 0): SegmentId[] =>
  Array.from({ length: last - first + 1 }, (_, index) => ({ run, sequence: first + index }));

/** An entry of a staged replay: a segment, or EXT-X-GAP in the place of one. */
export type Staged = SegmentId & {
  readonly gap?: boolean;
  readonly discontinuity?: boolean;
  readonly bytes?: Buffer;
};

export type StagedRecording = {
  readonly entries: readonly Staged[];
  readonly state?: string;
  readonly gaps?: readonly StatedGap[];
};

/** The gap that covers these segments. */
export const gapOf = (reason: string, ...segments: readonly SegmentId[]): StatedGap => ({
  from: new Date(WALL + Math.min(...segments.map(beginsAt))).toISOString(),
  until: new Date(WALL + Math.max(...segments.map(beginsAt)) + spec.durationMs).toISOString(),
  reason,
});

/** What an API and a replay would give of such a recording. */
export function stagedEvidence(
  { entries, state = 'complete', gaps = [] }: StagedRecording,
  events: readonly Event[] = stagedEvents(),
): Evidence {
  const segments = new Map<string, Buffer>();
  const lines = ['#EXTM3U', '#EXT-X-VERSION:8', '#EXT-X-TARGETDURATION:1', '#EXT-X-PLAYLIST-TYPE:EVENT'];
  for (const [index, entry] of entries.entries()) {
    const bytes = entry.bytes ?? bytesOf(entry);
    const uri = `../../m/camera-0/main/${100 + index}-${sha256(bytes).slice(0, 22)}.ts`;
    if (!entry.gap) segments.set(uri, bytes);
    if (entry.discontinuity) lines.push('#EXT-X-DISCONTINUITY');
    if (entry.gap) lines.push('#EXT-X-GAP');
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(WALL + beginsAt(entry)).toISOString()}`);
    lines.push('#EXTINF:0.5,', uri);
  }
  const recording: RecordingJson = {
    ...{ id: 'r', state, gaps },
    from: new Date(WALL + START).toISOString(),
    until: new Date(WALL + STOP).toISOString(),
  };
  return {
    ...{ events, spec, recording, allowed: { reasons: [] } },
    replay: { playlist: `${[...lines, '#EXT-X-ENDLIST'].join('\n')}\n`, segments },
    download: Buffer.concat([...segments.values()]),
  };
}
