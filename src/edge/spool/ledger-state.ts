import { z } from 'zod';
import { MAIN, NAME_PATTERN } from '../../media/name.ts';

const count = z.number().int().nonnegative();
const name = z.string().regex(NAME_PATTERN);

const current = z.object({
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
export type LedgerState = z.infer<typeof current>;

/** As it was kept while a source had but one rendition. */
const beforeRenditions = current.extend({
  stretch: z.object({ first: count, ordinal: count, targetDuration: count }).optional(),
  published: z.undefined().optional(),
  publishedThrough: count.optional(),
});

/** What is kept of a source's numbers. */
export const ledgerState: z.ZodType<LedgerState> = z.union([
  current,
  beforeRenditions.transform(({ stretch, publishedThrough, ...kept }) => ({
    ...kept,
    ...(stretch !== undefined && { stretch: ofMain(stretch) }),
    published: { [MAIN]: publishedThrough ?? null },
  })),
]);

const ofMain = ({ first, ...stretch }: { first: number; ordinal: number; targetDuration: number }) => ({
  ...stretch,
  after: first - 1,
  renditions: { [MAIN]: { first, from: first } },
});
