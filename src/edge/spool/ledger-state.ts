import { z } from 'zod';
import { NAME_PATTERN } from '../../media/name.ts';

const count = z.number().int().nonnegative();
const name = z.string().regex(NAME_PATTERN);
/** What is kept of a source's numbers. */
export const ledgerState = z.object({
  boot: z.string(),
  /** Whether `sequence` and `discontinuity` are the next ones exactly: written at an orderly end. */
  clean: z.boolean(),
  sequence: count,
  discontinuity: count,
  floor: z.object({ sequence: count, discontinuity: count }),
  ordinal: count,
  stretch: z
    .object({
      ordinal: count,
      targetDuration: count,
      /** Numbers up to this one were told as parts of earlier stretches, of whichever rendition. */
      after: count,
      renditions: z.record(name, z.object({ first: count, from: count })),
    })
    .optional(),
  /** The newest number of each rendition that control was told of; null while publishing, when it moves with every segment. */
  published: z.record(name, count.nullable()),
});
export type LedgerState = z.infer<typeof ledgerState>;
