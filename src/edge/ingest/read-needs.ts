import { withUri } from '../../hls/attributes.ts';
import type { Needed, NeededMap, NeedingSegment } from '../../hls/segment-needs.ts';
import { type Carried, MAX_CARRIED } from '../../media/carried.ts';
import type { HlsLine, SegmentMap } from '../../media/segment-record.ts';
import { type Bytes, bytes, KIB } from '../../media/units.ts';
import { sha256 } from '../../runtime/sha256.ts';
import { faultOfInit } from './check/segment-check.ts';
import type { Ingest } from './ingest.ts';
import type { MediaOrigin } from './media-origin.ts';
import { SourceUnreadable } from './open-segment.ts';
import type { Announced } from './read-segment.ts';
import { readSmall } from './read-small.ts';
import { refuseUri } from './refusal.ts';
import { extensionOf, safeExtension } from './segment-name.ts';

/** An init section has a few KiB; with many key systems in it some tens. It is kept with each segment. */
const MAX_INIT: Bytes = bytes(256 * KIB);
/** An AES-128 key has 16 bytes (RFC 8216 §4.3.2.4), a licence more. */
export const MAX_KEY: Bytes = bytes(KIB);

/** What a segment needs, at hand: its lines, and the bytes that its record carries. */
export type Needs = {
  readonly map?: SegmentMap;
  readonly keys?: readonly HlsLine[];
  readonly carries: readonly (Omit<Carried, 'sequence'> & { readonly content: Buffer })[];
};

export const NO_NEEDS: Needs = { carries: [] };

/**
 * Gets the init section and the keys that a segment needs, from where its encoder keeps them. What was read is
 * remembered in `known` where reading again would cost a request. Rejects with `SourceUnreadable`.
 */
export async function readNeeds(
  { map, keys }: NeedingSegment,
  origin: MediaOrigin,
  announced: Announced,
  ingest: Ingest,
  known: Pick<Map<string, Buffer>, 'get'> & { set(name: string, content: Buffer): unknown },
): Promise<Needs> {
  if (map === undefined && keys === undefined) return NO_NEEDS;
  const carries: (Omit<Carried, 'sequence'> & { readonly content: Buffer })[] = [];

  const carry = async (
    needed: Needed,
    max: Bytes,
    extension: string,
    faultOf?: (content: Buffer) => string | undefined,
  ): Promise<HlsLine> => {
    const uri = needed.passes ? pushedHere(needed.uri, origin) : needed.uri;
    if (uri === undefined) return withUri(needed.line, needed.uri);
    const content = await read({ ...needed, uri }, max, faultOf);
    const digest = sha256(content);
    let at = carries.findIndex((each) => each.digest === digest);
    if (at < 0) at = carries.push({ digest, bytes: bytes(content.length), extension, content }) - 1;
    if (at >= MAX_CARRIED) throw new SourceUnreadable('too_large', 'it needs too many keys', false);
    return withUri(needed.line, `{${at}}`);
  };
  const read = async (
    needed: Needed,
    max: Bytes,
    faultOf?: (content: Buffer) => string | undefined,
  ): Promise<Buffer> => {
    const name = `${needed.uri}#${needed.range?.offset ?? ''}+${needed.range?.length ?? ''}`;
    const found = known.get(name);
    if (found !== undefined) return found;
    refuseUri(needed.uri, origin, ingest.allowed);
    const content = await readSmall(origin, needed.uri, needed.range, max, announced, ingest, faultOf);
    // A pushed file that has them at its head may go on for as long as the stream, and not be kept so long.
    if (origin.kind === 'http' || (origin.kind === 'pushed' && needed.range !== undefined))
      known.set(name, content);
    return content;
  };
  const carryMap = (needed: NeededMap): Promise<HlsLine> => {
    const extension = extensionOf(needed.uri);
    // Encrypted bytes say nothing.
    const faultOf = needed.keys.length > 0 ? undefined : (content: Buffer) => faultOfInit(extension, content);
    return carry(needed, MAX_INIT, safeExtension(extension), faultOf);
  };
  const linesOf = async (all: readonly Needed[]): Promise<HlsLine[]> => {
    const lines: HlsLine[] = [];
    for (const key of all) lines.push(await carry(key, MAX_KEY, 'key'));
    return lines;
  };

  const mapLine = map && (await carryMap(map));
  const mapKeys = await linesOf(map?.keys ?? []);
  const keyLines = await linesOf(keys ?? []);
  return {
    ...(mapLine !== undefined && { map: { line: mapLine, ...(mapKeys.length > 0 && { keys: mapKeys }) } }),
    ...(keyLines.length > 0 && { keys: keyLines }),
    carries,
  };
}

/**
 * `ffmpeg -hls_enc` without `-hls_enc_key_url` writes where it has pushed the key to, which no viewer reaches: of a ladder
 * beside the multivariant playlist, above those that name it. Throws as `PushedFolder.uriAt`.
 */
function pushedHere(uri: string, origin: MediaOrigin): string | undefined {
  if (!/^https?:/i.test(uri) || !URL.canParse(uri)) return undefined;
  const { pathname, search } = new URL(uri);
  if (origin.kind === 'pushed') return origin.files.uriAt(pathname + search);
  const name = pathname.slice(pathname.lastIndexOf('/') + 1);
  return origin.beside?.has(name) && pathname.startsWith('/v1/') ? name : undefined;
}
