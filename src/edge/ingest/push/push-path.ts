import { isName } from '../../../media/name.ts';
import { extensionOf, isKeyName, isPlainName, isPlainSegmentName } from '../segment-name.ts';

/** What a request below `/v1/ingest/` names. */
export type PushPath = {
  readonly source: string;
  /** The folders between the source and the file, each with its slash: '' or 'hi/'. */
  readonly folder: string;
  readonly name: string;
  /** `key`: a name that only a key can have. Init sections have names of segments. */
  readonly kind: 'playlist' | 'segment' | 'key';
};

/** Encoders of several renditions give each a folder. */
const MAX_FOLDERS = 3;
/** Folders and a name: no root, no query, nothing to decode. */
const RELATIVE = /^[\w.-]+(?:\/[\w.-]+)*$/;
const PLAYLIST_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,200}$/;

/**
 * What a request's target names: its path, or, as encoders for YouTube have it, `/v1/ingest/SOURCE?…&file=NAME`, where
 * whatever stands behind the source is of no matter.
 */
export function pushTarget(url: string): PushPath | undefined {
  const [path, query] = url.split('?', 2) as [string, string?];
  const file = query === undefined ? null : new URLSearchParams(query).get('file');
  if (file === null) return parsePushPath(path);
  const [source] = path.slice('/v1/ingest/'.length).split('/');
  return file.includes('/') ? undefined : parsePushPath(`/v1/ingest/${source}/${file}`);
}

/**
 * Where a URI of a pushed playlist leads to among what its source pushed, whichever folder that is in: `../keys/a.key`
 * in `hi/` is `keys/a.key`. Undefined where nothing can be pushed, as above the source.
 */
export function pushedPath(folder: string, uri: string): string | undefined {
  if (!RELATIVE.test(uri)) return undefined;
  const folders = folder.split('/').filter((each) => each !== '');
  const parts = uri.split('/');
  const name = parts.pop()!;
  for (const part of parts) {
    if (part === '..' && folders.length === 0) return undefined;
    if (part === '..') folders.pop();
    else if (part !== '.') folders.push(part);
  }
  if (folders.length > MAX_FOLDERS || !folders.every(isName) || !isPlainName(name)) return undefined;
  return [...folders, name].join('/');
}

/** Reads a path as it was sent: nothing is decoded, so nothing can climb. Undefined where it names nothing that can be pushed. */
export function parsePushPath(path: string): PushPath | undefined {
  const [source, ...rest] = path.slice('/v1/ingest/'.length).split('/');
  const name = rest.pop();
  if (source === undefined || name === undefined || !isName(source)) return undefined;
  if (rest.length > MAX_FOLDERS || !rest.every(isName)) return undefined;
  const folder = rest.map((each) => `${each}/`).join('');
  if (/^m3u8?$/.test(extensionOf(name)) && PLAYLIST_NAME.test(name)) {
    return { source, folder, name, kind: 'playlist' };
  }
  if (isPlainSegmentName(name)) return { source, folder, name, kind: 'segment' };
  return isKeyName(name) ? { source, folder, name, kind: 'key' } : undefined;
}
