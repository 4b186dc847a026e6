import type { GapReason } from '../../media/segment-record.ts';
import type { AllowedMedia, MediaOrigin } from './media-origin.ts';
import { isPlainSegmentName } from './segment-name.ts';

/** Why a line may not be read, if so. */
export function refusal(line: string, origin: MediaOrigin, allowed: AllowedMedia): GapReason | undefined {
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(line)) return isPlainSegmentName(line) ? undefined : 'bad_name';
  if (origin.kind !== 'http' || !URL.canParse(line)) return 'origin_not_allowed';
  const url = new URL(line);
  if (!allowed.origins.includes(url.origin) || url.username !== '') return 'origin_not_allowed';
  return isPlainSegmentName(url.pathname.slice(url.pathname.lastIndexOf('/') + 1)) ? undefined : 'bad_name';
}
