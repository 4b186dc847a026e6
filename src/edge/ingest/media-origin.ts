import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LiveMixError } from '../../media/error.ts';
import type { PushedFiles } from './push/pushed-files.ts';
import type { PushedFolder } from './push/pushed-folder.ts';

/** Where the edge reads an encoder's segments: a folder on this machine, or an allowed web origin. */
export type ReadOrigin =
  | ({ readonly kind: 'file'; readonly folder: string } & Beside)
  | ({ readonly kind: 'http'; readonly base: string; readonly pulled?: Pulled } & Beside);

/** The origin of a playlist that the edge fetches by itself: `base` is the playlist's own URL, as it was found. */
export type Pulled = {
  /** The origin that the operator configured. It may be read beside those that are allowed to all. */
  readonly origin: string;
  /** What is shown at that origin, and at no other. */
  readonly authorization?: string;
  /** Reads no further back than a player would when it opens a run: somebody waits for the newest. */
  readonly beginsAtTail: boolean;
  /** Aborts when the source is no longer pulled. */
  readonly signal: AbortSignal;
};

/** Init sections and keys that came over HTTP although the segments do not: ffmpeg sends them after its playlist. */
type Beside = { readonly beside?: PushedFiles };

/** Where an encoder's segments are. */
export type MediaOrigin = ReadOrigin | { readonly kind: 'pushed'; readonly files: PushedFolder };

/** What the operator allows. */
export type AllowedMedia = { readonly roots: readonly string[]; readonly origins: readonly string[] };

/** A refused prefix; `wanted` names, for the operator alone, the setting that would allow it. */
export class PrefixRefused extends LiveMixError {
  constructor(readonly wanted: string) {
    super('prefix_not_allowed', 'This edge may not read segments at that prefix.');
  }
}

const badPrefix = (detail: string) => new LiveMixError('bad_prefix', detail);

/**
 * What `MPEG-TS-URI-Prefix` names. Refusals look alike whether or not the folder exists, so that nothing can
 * be learnt of the edge's disk.
 */
export async function resolvePrefix(prefix: string | undefined, allowed: AllowedMedia): Promise<ReadOrigin> {
  if (prefix === undefined || prefix === '') throw badPrefix('The header MPEG-TS-URI-Prefix is missing.');
  if (prefix.length > 2048) throw badPrefix('The prefix is longer than 2048 characters.');
  if (/[?#\\\x00-\x20\x7f]/.test(prefix) || /%2f|%5c|%00/i.test(prefix)) {
    throw badPrefix('The prefix has a query, a fragment, a blank or an encoded slash.');
  }
  const url = parseUrl(prefix);
  if (url.protocol === 'file:') return resolveFolder(url, prefix, allowed.roots);
  if (url.protocol === 'http:' || url.protocol === 'https:') return resolveOrigin(url, allowed.origins);
  throw badPrefix('The prefix begins neither with file:// nor with http:// or https://.');
}

function parseUrl(prefix: string): URL {
  try {
    return new URL(prefix);
  } catch {
    throw badPrefix('The prefix is no URL.');
  }
}

async function resolveFolder(url: URL, prefix: string, roots: readonly string[]): Promise<ReadOrigin> {
  if (url.host !== '' || !/^file:\/\/\/(?!\/)/.test(prefix)) {
    throw badPrefix('A file:// prefix names an absolute folder of this machine: file:///folder.');
  }
  let asked: string;
  try {
    asked = fileURLToPath(url);
  } catch {
    throw badPrefix('The prefix is no folder.');
  }
  const refused = () =>
    new PrefixRefused(`LIVEMIX_MEDIA_ROOTS=${[...roots, asked.replace(/\/+$/, '')].join(':')}`);
  const folder = await realpath(asked).catch(() => undefined);
  if (folder === undefined) throw refused();
  for (const root of roots) {
    const real = await realpath(root).catch(() => undefined);
    if (
      real !== undefined &&
      (folder === real || folder.startsWith(real.endsWith(sep) ? real : real + sep))
    ) {
      return { kind: 'file', folder };
    }
  }
  throw refused();
}

function resolveOrigin(url: URL, origins: readonly string[]): ReadOrigin {
  if (url.username !== '' || url.password !== '')
    throw badPrefix('The prefix holds a user name or password.');
  if (!origins.includes(url.origin)) {
    throw new PrefixRefused(`LIVEMIX_MEDIA_ORIGINS=${[...origins, url.origin].join(',')}`);
  }
  return { kind: 'http', base: url.href.replace(/\/+$/, '') };
}
