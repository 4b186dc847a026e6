import type { ByteRange } from '../../hls/segment-needs.ts';
import { segmentExtensions } from '../../media/segment-record.ts';
import { sha256 } from '../../runtime/sha256.ts';

/** One plain file name: no folder, no dots that climb, nothing to decode. */
const PLAIN = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,200}$/;

/** Of a file name, or of the path of a URI. */
export function extensionOf(name: string): string {
  const path = name.replace(/[?#].*$/s, '');
  return path.slice(path.lastIndexOf('.') + 1).toLowerCase();
}

/** Whether a playlist's line may be read as a file below its prefix. */
export const isPlainSegmentName = (line: string): boolean =>
  PLAIN.test(line) && segmentExtensions.has(extensionOf(line));

/** Whether a key or an init section may be read under this name as a file below its playlist's prefix. */
export const isPlainName = (line: string): boolean => PLAIN.test(line);

/** Whether a key may be pushed under this name: `file.m3u8.key` is ffmpeg's. */
export const isKeyName = (name: string): boolean =>
  PLAIN.test(name) && (!name.includes('.') || KEY_EXTENSIONS.has(extensionOf(name)));

const KEY_EXTENSIONS: ReadonlySet<string> = new Set(['key', 'bin', 'dat', 'aes']);

/** An extension as records have it: 2 to 6 lower-case letters and digits. */
export const safeExtension = (extension: string): string =>
  extension
    .replace(/[^a-z0-9]/g, '')
    .slice(0, 6)
    .padEnd(2, 'x');

/**
 * What tells one segment of an encoder from another: its name and, in a file of many segments, its place. It goes to
 * control with the record, so what may be a secret, a user name, password or query, is not in it.
 */
export function nameOf({ uri, range }: { readonly uri: string; readonly range?: ByteRange }): string {
  const name = /[?@]/.test(uri) || uri.length > MAX_NAME ? discreetName(uri) : uri;
  return range === undefined ? name : `${name}#${range.offset}+${range.length}`;
}

/** Longer ones are told apart by their digest. */
const MAX_NAME = 512;

function discreetName(uri: string): string {
  const [path, query] = splitAt(uri.replace(/^([^/?#]*\/\/)[^/?#]*@/, '$1'), '?');
  const short = path.length > MAX_NAME ? `${path.slice(0, MAX_NAME)}~${shortDigest(path)}` : path;
  return query === undefined ? short : `${short}?${shortDigest(query)}`;
}

function splitAt(text: string, separator: string): readonly [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

const shortDigest = (text: string): string => sha256(Buffer.from(text)).slice(0, 22);

/** The file of a segment with that name, and where in it the segment ends; undefined where it is a file of its own. */
export function placeOf(name: string): { readonly uri: string; readonly end: number } | undefined {
  const match = /^(.*)#(\d+)\+(\d+)$/.exec(name);
  return match === null ? undefined : { uri: match[1]!, end: Number(match[2]) + Number(match[3]) };
}
