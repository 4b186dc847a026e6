import type { CatalogRecording } from '../../catalog/catalog.ts';
import { LiveMixError } from '../../media/error.ts';

/** Recordings that one answer lists at most, and where nothing else is asked for. */
export const MAX_LISTED = 1_000;

/** What of a list is asked for; texts as they stand in a query. */
export type PageAsked = {
  /** Those of one source. */
  readonly source?: string | undefined;
  readonly limit?: string | undefined;
  /** The place behind which the page begins: as an earlier answer gave it. */
  readonly before?: string | undefined;
};

export type RecordingPage = {
  readonly recordings: readonly CatalogRecording[];
  /** How many an answer was to have. */
  readonly limit: number;
  /** `before` of the page that follows; undefined: this is the last one. */
  readonly next: string | undefined;
};

/**
 * A page of these recordings, newest first. The place of a page is a moment and an id, so it holds although recordings come
 * and go: none is left out, none comes twice. Throws `bad_request`.
 */
export function pageOf(all: Iterable<CatalogRecording>, asked: Omit<PageAsked, 'source'>): RecordingPage {
  const limit = readLimit(asked.limit);
  const behind = asked.before === undefined ? undefined : readPlace(asked.before);
  const chosen = [...all]
    .filter((recording) => behind === undefined || newestFirst(behind, recording) < 0)
    .sort(newestFirst);
  const recordings = chosen.slice(0, limit);
  const last = recordings.at(-1);
  return { recordings, limit, next: last && chosen.length > limit ? placeOf(last) : undefined };
}

type Place = Pick<CatalogRecording, 'createdAt' | 'id'>;

/** Those that began at the same moment by their ids. */
export const newestFirst = (a: Place, b: Place): number =>
  b.createdAt - a.createdAt || (a.id < b.id ? -1 : Number(a.id > b.id));

const placeOf = ({ createdAt, id }: Place): string => `${createdAt}-${id}`;

function readPlace(text: string): Place {
  const [, at, id] = /^(\d{1,16})-([a-z0-9]{16})$/.exec(text) ?? [];
  if (at !== undefined && id !== undefined) return { createdAt: Number(at) as Place['createdAt'], id };
  throw new LiveMixError('bad_request', '`before` is no place in the list of recordings.', {
    hint: 'Take the address of the next page from the `Link` header of an answer.',
  });
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return MAX_LISTED;
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (limit >= 1) return Math.min(limit, MAX_LISTED);
  throw new LiveMixError('bad_request', `\`limit\` is a whole number from 1 to ${MAX_LISTED}.`);
}
