import type { Presence } from '../../serve/presence.ts';
import type { EdgeSession } from '../edges/edge-session.ts';
import type { Source } from '../sources/source.ts';

/** A source as `GET /v1/sources` shows it. */
export function sourceView(source: Source, presence: Presence) {
  const { entry, report, state, trouble } = source;
  return {
    name: entry.name,
    edge: entry.edge,
    state: entry.mode === 'off' && state === 'live' ? 'idle' : state,
    mode: entry.mode,
    viewers: presence.viewers(entry.name, source.targetDuration),
    ingestedBytes: report?.ingestedBytes ?? 0,
    forwardedBytes: report?.forwardedBytes ?? 0,
    lastSegmentAt: isoTime(report?.lastSegmentAt),
    ...(trouble !== undefined && { trouble }),
  };
}

/** An edge as `GET /v1/edges` shows it. */
export function edgeView(session: EdgeSession) {
  const { report } = session;
  return {
    name: session.edge,
    version: session.version,
    connectedAt: isoTime(session.connectedAt),
    sources: report?.sources.length ?? 0,
    spoolBytes: report?.spoolBytes ?? 0,
    spoolMaxBytes: report?.spoolMaxBytes ?? 0,
    uplinkBytesPerSecond: report?.uplinkBytesPerSecond ?? 0,
    recordingBacklogBytes: report?.sources.reduce((sum, source) => sum + source.backlogBytes, 0) ?? 0,
  };
}

const isoTime = (at: number | null | undefined): string | null =>
  at === null || at === undefined ? null : new Date(at).toISOString();
