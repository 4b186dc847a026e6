import { here } from '../http.ts';
import { count, record, text, time } from '../read-json.ts';

/** A recording as `GET /v1/recordings` tells of it. Times are milliseconds since 1970 on the server's clock. */
export type Recording = {
  readonly id: string;
  readonly source: string;
  /** Empty where nobody has named it. */
  readonly title: string;
  readonly state: RecordingState;
  /** Kept for ever: neither age nor a full store removes it. */
  readonly keep: boolean;
  readonly from: number;
  /** Undefined: until it is stopped. It may lie ahead. */
  readonly until: number | undefined;
  /** Of the media that is kept. */
  readonly durationSeconds: number;
  readonly bytes: number;
  readonly segments: number;
  readonly gaps: readonly Gap[];
  /** All before this moment is kept or lost for ever; what follows may still arrive. */
  readonly settledUntil: number;
};

/** `draining`: it is over, but its edge has not sent all of it yet. */
export type RecordingState = (typeof STATES)[number];
const STATES = ['recording', 'draining', 'complete', 'incomplete'] as const;

/** Time without media, and why. */
export type Gap = { readonly from: number; readonly until: number; readonly reason: string };

/** Whether more of it may come. */
export const isOpen = ({ state }: Recording): boolean => state === 'recording' || state === 'draining';

/** Whether media was lost in a gap. An encoder that made none has lost none. */
export const isLoss = ({ reason }: Gap): boolean => reason !== 'source_silent';

/** Until when it reaches by now. */
export const reachOf = ({ from, until }: Recording, now: number): number =>
  Math.max(from, Math.min(until ?? now, now));

export const replayUrl = (id: string): string => here(`recordings/${encodeURIComponent(id)}/index.m3u8`);
export const downloadUrl = (id: string, type: 'mp4' | 'ts'): string =>
  here(`recordings/${encodeURIComponent(id)}/download.${type}`);

/** Undefined for what is no recording at all. A state that is not known counts as incomplete, never as complete. */
export function readRecording(value: unknown): Recording | undefined {
  const from = record(value);
  const [id, begin] = [text(from['id']), time(from['from'])];
  if (id === '' || begin === undefined) return undefined;
  return {
    id,
    source: text(from['source']),
    title: text(from['title']),
    state: STATES.find((state) => state === from['state']) ?? 'incomplete',
    keep: from['keep'] === true,
    from: begin,
    until: time(from['until']),
    durationSeconds: count(from['durationSeconds']) ?? 0,
    bytes: count(from['bytes']) ?? 0,
    segments: count(from['segments']) ?? 0,
    gaps: Array.isArray(from['gaps']) ? from['gaps'].map(readGap).filter((gap) => gap !== undefined) : [],
    settledUntil: time(from['settledUntil']) ?? begin,
  };
}

function readGap(value: unknown): Gap | undefined {
  const gap = record(value);
  const [from, until] = [time(gap['from']), time(gap['until'])];
  return from === undefined || until === undefined ? undefined : { from, until, reason: text(gap['reason']) };
}
