import { HAS_SCHEME } from '../../hls/playlist-lines.ts';
import { type GapReason, segmentExtensions } from '../../media/segment-record.ts';
import type { AllowedMedia, MediaOrigin, Pulled } from './media-origin.ts';
import { SourceUnreadable } from './open-segment.ts';
import { extensionOf, isPlainName } from './segment-name.ts';

/** Why a segment's line may not be read, if so. */
export const refusal = (line: string, origin: MediaOrigin, allowed: AllowedMedia): GapReason | undefined =>
  refusalOf(line, origin, allowed, (path) => segmentExtensions.has(extensionOf(path)));

/** The same of an init section's or a key's URI, whose file name may have any extension. Throws `SourceUnreadable`. */
export function refuseUri(uri: string, origin: MediaOrigin, allowed: AllowedMedia): void {
  const reason = refusalOf(uri, origin, allowed, () => true);
  if (reason === undefined) return;
  throw new SourceUnreadable(reason, `the init section or key ${uri.slice(0, 80)} may not be read`, false);
}

function refusalOf(
  line: string,
  origin: MediaOrigin,
  allowed: AllowedMedia,
  isGood: (path: string) => boolean,
): GapReason | undefined {
  if (origin.kind === 'http' && origin.pulled !== undefined)
    return pulledRefusal(line, origin.base, origin.pulled, allowed, isGood);
  if (!HAS_SCHEME.test(line)) {
    const mayBe = origin.kind === 'pushed' ? origin.files.mayHave(line) : isPlainName(line);
    return mayBe && isGood(line) ? undefined : 'bad_name';
  }
  if (origin.kind !== 'http' || !URL.canParse(line)) return 'origin_not_allowed';
  const url = new URL(line);
  if (!allowed.origins.includes(url.origin) || url.username !== '') return 'origin_not_allowed';
  const name = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  return isPlainName(name) && isGood(name) ? undefined : 'bad_name';
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
