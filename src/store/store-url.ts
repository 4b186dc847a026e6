import { fileURLToPath } from 'node:url';
import { BadValue } from '../runtime/setting-types.ts';
import { isObjectKey } from './object-store.ts';

/** What a store URL says. */
export type StoreUrl = FolderUrl | S3Url;
export type FolderUrl = { readonly kind: 'folder'; readonly folder: string };
export type S3Url = {
  readonly kind: 's3';
  readonly bucket: string;
  /** What every key begins with, without a slash at the end; may be empty. */
  readonly prefix: string;
  /** Where a store that is not Amazon's answers. */
  readonly endpoint?: string;
  readonly region?: string;
  /** Whether edges reach the store themselves and get tickets for it. */
  readonly direct: boolean;
};

const MEND =
  'Write file:///absolute/folder or s3://bucket/prefix?endpoint=https://host&region=name&edges=direct.';
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** A store takes 1,024 characters; half of them are the key's. */
const LONGEST_PREFIX = 400;

/** Reads a store URL. Throws `BadValue` that says what to write instead, and never shows what may be a key. */
export function parseStoreUrl(url: string): StoreUrl {
  if (/^file:/i.test(url)) return folderUrl(url);
  const found = /^s3:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(url);
  if (found === null) throw new BadValue('This is no store URL', MEND);
  const [, bucket = '', path = '', query = ''] = found;
  if (/[@:]/.test(bucket)) {
    throw new BadValue(
      'A name or password stands in the store URL',
      'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    );
  }
  if (!BUCKET.test(bucket)) {
    throw new BadValue('The store URL names no bucket', `A bucket has 3 to 63 of a-z, 0-9, . and -. ${MEND}`);
  }
  return { kind: 's3', bucket, prefix: prefixOf(path), ...parametersOf(query) };
}

/** Whether a text is a store URL. */
export function isStoreUrl(url: string): boolean {
  try {
    parseStoreUrl(url);
    return true;
  } catch (error) {
    if (error instanceof BadValue) return false;
    throw error;
  }
}

function folderUrl(url: string): FolderUrl {
  if (!/^file:\/\/\/[^?#]*$/i.test(url)) {
    throw new BadValue('The folder of the store is not absolute, or something stands behind it', MEND);
  }
  let folder: string;
  try {
    folder = fileURLToPath(url).replace(/(?<=.)\/+$/, '');
  } catch {
    throw new BadValue('The folder of the store cannot be read', MEND);
  }
  if (folder === '/' || folder.includes('\0')) throw new BadValue('The store URL names no folder', MEND);
  return { kind: 'folder', folder };
}

function prefixOf(path: string): string {
  const prefix = path.replace(/\/$/, '');
  if (prefix === '' || (isObjectKey(prefix) && prefix.length <= LONGEST_PREFIX)) return prefix;
  throw new BadValue(
    'The prefix in the store URL is malformed',
    `Use up to ${LONGEST_PREFIX} letters, digits, dots, dashes and underscores, with / between names.`,
  );
}

function parametersOf(query: string): Omit<S3Url, 'kind' | 'bucket' | 'prefix'> {
  const parameters = new URLSearchParams(query);
  for (const name of new Set(parameters.keys())) {
    if (!['endpoint', 'region', 'edges'].includes(name)) {
      throw new BadValue(`A store URL has no parameter ${JSON.stringify(name.slice(0, 40))}`, MEND);
    }
    if (parameters.getAll(name).length > 1) throw new BadValue(`${name} is there twice`, MEND);
  }
  const endpoint = parameters.get('endpoint');
  const region = parameters.get('region');
  const edges = parameters.get('edges');
  if (edges !== null && edges !== 'direct') throw new BadValue('edges is not direct', MEND);
  if (region !== null && !/^[a-z0-9-]{1,64}$/i.test(region)) throw new BadValue('region is malformed', MEND);
  return {
    ...(endpoint === null ? {} : { endpoint: endpointOf(endpoint) }),
    ...(region === null ? {} : { region }),
    direct: edges === 'direct',
  };
}

function endpointOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const mend = 'Write for example endpoint=https://s3.example.org:9000.';
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new BadValue('endpoint is not an http(s) address', mend);
  }
  if (url.username !== '' || url.password !== '') {
    throw new BadValue('A name or password stands in the endpoint', mend);
  }
  if (/[?#]/.test(text)) throw new BadValue('endpoint has more than a host, a port and a path', mend);
  return url.href.replace(/\/$/, '');
}
