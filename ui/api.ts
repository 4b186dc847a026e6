import { ApiRefused, ask, change, here } from './http.ts';
import { count, record, text, time } from './read-json.ts';

/** A source as `GET /v1/sources` tells of it. An edge's page has no modes: only control forwards. */
export type Source = {
  readonly name: string;
  readonly edge: string;
  readonly state: SourceState;
  readonly mode: Mode | undefined;
  readonly viewers: number | undefined;
  readonly ingestedBytes: number | undefined;
  readonly forwardedBytes: number | undefined;
  /** Milliseconds since 1970, on the server's clock. */
  readonly lastSegmentAt: number | undefined;
  readonly trouble: Trouble | undefined;
};

export type SourceState = 'live' | 'idle' | 'offline';
export const MODES = ['on-demand', 'always', 'off'] as const;
export type Mode = (typeof MODES)[number];
export type Trouble = { readonly code: string; readonly detail: string; readonly hint: string };

/** What the server said, and what its clock showed then. */
export type SourcesAnswer = { readonly sources: readonly Source[]; readonly serverNow: number };

export async function fetchSources(signal: AbortSignal): Promise<SourcesAnswer> {
  const response = await ask('v1/sources', signal);
  const sources = readSources(await response.json());
  const date = Date.parse(response.headers.get('date') ?? '');
  return { sources, serverNow: Number.isNaN(date) ? Date.now() : date };
}

export const setMode = (name: string, mode: Mode): Promise<void> =>
  change('PATCH', `v1/sources/${encodeURIComponent(name)}`, { mode });

/** Where a source plays. Absolute, so that it can be copied into another player. */
export const playlistUrl = (name: string): string => here(`live/${encodeURIComponent(name)}/index.m3u8`);

/** Reads what it can; an entry without a name is left out. */
export function readSources(value: unknown): Source[] {
  if (!Array.isArray(value)) throw new ApiRefused(200, 'The answer is not a list of sources.', '');
  return value
    .map(readSource)
    .filter((source) => source !== undefined)
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

function readSource(value: unknown): Source | undefined {
  const from = record(value);
  if (typeof from['name'] !== 'string' || from['name'] === '') return undefined;
  return {
    name: from['name'],
    edge: text(from['edge']),
    state: from['state'] === 'live' || from['state'] === 'offline' ? from['state'] : 'idle',
    mode: MODES.find((mode) => mode === from['mode']),
    viewers: count(from['viewers']),
    ingestedBytes: count(from['ingestedBytes']),
    forwardedBytes: count(from['forwardedBytes']),
    lastSegmentAt: time(from['lastSegmentAt']),
    trouble: readTrouble(from['trouble']),
  };
}

function readTrouble(value: unknown): Trouble | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const from = record(value);
  return { code: text(from['code']), detail: text(from['detail']), hint: text(from['hint']) };
}
