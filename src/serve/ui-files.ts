import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { MIB } from '../media/units.ts';
import { isKnown, takesGzip } from './conditions.ts';

/** The web page as it is served: every file in memory, by the path of its URL. */
export type UiFiles = ReadonlyMap<string, UiFile>;

export type UiFile = {
  readonly type: string;
  readonly cacheControl: string;
  readonly plain: UiBody;
  /** Left out where it would save nothing. */
  readonly gzip: UiBody | undefined;
};

type UiBody = { readonly bytes: Buffer; readonly etag: string };

/** Far more than the page has: a folder beyond it is not the page. */
const MOST_FILES = 200;
const MOST_BYTES = 16 * MIB;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** The page loads nothing but its own files; hls.js feeds the video through `blob:` (threats.md T33). */
export const PAGE_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "font-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "object-src 'none'",
  "frame-ancestors 'none'",
].join('; ');

const SECURITY_HEADERS = {
  'Content-Security-Policy': PAGE_SECURITY_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

/** Reads the built page (`dist/ui`) once. Rejects when the folder is missing or has no `index.html`. */
export async function loadUiFiles(folder: string): Promise<UiFiles> {
  const names = await fileNames(folder);
  const files = new Map<string, UiFile>();
  let left = MOST_BYTES;
  for (const name of names) {
    const bytes = await readFile(join(folder, name));
    left -= bytes.length;
    if (left < 0) throw new Error(`${folder} holds more than the web page: over ${MOST_BYTES} bytes.`);
    files.set(urlPath(name), await uiFile(name, bytes));
  }
  if (!files.has('/')) throw notBuilt(folder);
  return files;
}

/**
 * Answers a GET or HEAD of the page or one of its files; false, with nothing written, for all else.
 * `path` is the path of the URL as it was sent, without its query.
 */
export function answerUiFile(
  files: UiFiles,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  const file = files.get(path);
  if (file === undefined) return false;

  const zipped = file.gzip !== undefined && takesGzip(request.headers['accept-encoding']);
  const { bytes, etag } = (zipped && file.gzip) || file.plain;
  const headers = {
    ...SECURITY_HEADERS,
    'Cache-Control': file.cacheControl,
    ETag: etag,
    ...(file.gzip === undefined ? {} : { Vary: 'Accept-Encoding' }),
  };
  if (isKnown(request.headers['if-none-match'], etag)) {
    response.writeHead(304, headers).end();
    return true;
  }
  response.writeHead(200, {
    ...headers,
    'Content-Type': file.type,
    'Content-Length': bytes.length,
    ...(zipped ? { 'Content-Encoding': 'gzip' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
  return true;
}

async function fileNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause) => {
    throw notBuilt(folder, cause);
  });
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  if (names.length > MOST_FILES) {
    throw new Error(`${folder} holds more than the web page: ${names.length} files.`);
  }
  return names;
}

const notBuilt = (folder: string, cause?: unknown): Error =>
  new Error(`The web page is not in ${folder}. Build it: npm run build`, { cause });

const urlPath = (name: string): string => (name === 'index.html' ? '/' : `/${name}`);

async function uiFile(name: string, bytes: Buffer): Promise<UiFile> {
  const digest = createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
  const small = await promisify(gzip)(bytes, { level: 9 });
  return {
    type: TYPES[extname(name)] ?? 'application/octet-stream',
    // Vite puts a hash of the content into every name below assets/.
    cacheControl: name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    plain: { bytes, etag: `"${digest}"` },
    gzip: small.length < bytes.length ? { bytes: small, etag: `"${digest}-gzip"` } : undefined,
  };
}
