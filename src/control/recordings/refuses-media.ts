import { gapReasons } from '../../media/segment-record.ts';
import type { SourceReport } from '../../wire/link-messages.ts';

/** Why an edge takes nothing of what an encoder sends. */
const refusals: ReadonlySet<string> = new Set([
  ...gapReasons,
  'bad_playlist',
  'bad_prefix',
  'bad_push_path',
  'bad_segment',
  'body_too_large',
  'line_too_long',
  'prefix_not_allowed',
  'too_many_renditions',
  'too_many_segments',
]);

/** Whether an encoder sends media and its edge can take in nothing of it: then there is no silence. */
export const refusesMedia = ({ sending, trouble }: Pick<SourceReport, 'sending' | 'trouble'>): boolean =>
  !sending && trouble !== undefined && refusals.has(trouble.code);
