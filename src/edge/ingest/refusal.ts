import { type GapReason, segmentExtensions } from '../../media/segment-record.ts';
import type { AllowedMedia, MediaOrigin, Pulled } from './media-origin.ts';
import { SourceUnreadable } from './open-segment.ts';
import { extensionOf, isPlainName, isPlainSegmentName } from './segment-name.ts';

/** Why a segment's line may not be read, if so. */
export const refusal = (line: string, origin: MediaOrigin, allowed: AllowedMedia): GapReason | undefined =>
  origin.kind === 'http' && origin.pulled !== undefined
    ? pulledRefusal(line, origin.base, origin.pulled, allowed, isSegmentPath)
    : refusalOf(line, origin, allowed, isPlainSegmentName);

const isSegmentPath = (path: string): boolean => segmentExtensions.has(extensionOf(path));

/** The same of an init section's or a key's URI, whose file name may have any extension. Throws `SourceUnreadable`. */
export function refuseUri(uri: string, origin: MediaOrigin, allowed: AllowedMedia): void {
  const reason =
    origin.kind === 'http' && origin.pulled !== undefined
      ? pulledRefusal(uri, origin.base, origin.pulled, allowed, () => true)
      : refusalOf(uri, origin, allowed, isPlainName);
  if (reason === undefined) return;
  throw new SourceUnreadable(reason, `the init section or key ${uri.slice(0, 80)} may not be read`, false);
}

function refusalOf(
  line: string,
  origin: MediaOrigin,
  allowed: AllowedMedia,
  isPlain: (name: string) => boolean,
): GapReason | undefined {
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(line)) return isPlain(line) ? undefined : 'bad_name';
  if (origin.kind !== 'http' || !URL.canParse(line)) return 'origin_not_allowed';
  const url = new URL(line);
  if (!allowed.origins.includes(url.origin) || url.username !== '') return 'origin_not_allowed';
  return isPlain(url.pathname.slice(url.pathname.lastIndexOf('/') + 1)) ? undefined : 'bad_name';
}

/** A pulled playlist may name anything at an origin that is allowed: folders, queries, absolute URLs. */
function pulledRefusal(
  line: string,
  base: string,
  { origin }: Pulled,
  allowed: AllowedMedia,
  isGood: (path: string) => boolean,
): GapReason | undefined {
  if (!URL.canParse(line, base)) return 'bad_name';
  const url = new URL(line, base);
  if (!/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    return 'origin_not_allowed';
  if (url.origin !== origin && !allowed.origins.includes(url.origin)) return 'origin_not_allowed';
  return isGood(url.pathname) ? undefined : 'bad_name';
}
