import type { EpochMs } from '../media/units.ts';
import { parseAttributes } from './attributes.ts';
import { parseDateTime } from './date-time.ts';

/** A DATERANGE that does not tell its end is held to be over after so long. */
const OPEN_FOR_MS = 3_600_000;

/** An EXT-X-DATERANGE (RFC 8216 §4.3.2.7) and when it is over; undefined where the line is none. */
export type DateRange = { readonly id: string; readonly line: string; readonly endsAt: number };

export function parseDateRange(line: string): DateRange | undefined {
  const attributes = parseAttributes(line.slice(line.indexOf(':') + 1));
  const id = attributes?.get('ID')?.value;
  const start = parseDateTime(attributes?.get('START-DATE')?.value ?? '');
  if (id === undefined || start === undefined) return undefined;
  const end = parseDateTime(attributes!.get('END-DATE')?.value ?? '');
  const lasting = attributes!.get('DURATION') ?? attributes!.get('PLANNED-DURATION');
  const lastingMs = lasting === undefined ? OPEN_FOR_MS : Number(lasting.value) * 1000;
  return { id, line, endsAt: end ?? start + (lastingMs >= 0 ? lastingMs : OPEN_FOR_MS) };
}

/**
 * The date ranges that a segment falls into or comes before, out of those that stood before it: a list that begins with
 * it must still show them (rfc8216bis §6.2.1). One with the ID of an earlier one stands beside it: together they
 * describe the range (§4.4.5.1).
 */
export const inForce = (ranges: readonly DateRange[], at: EpochMs): readonly DateRange[] => {
  const over = new Set(ranges.filter(({ endsAt }) => endsAt <= at).map(({ id }) => id));
  return ranges.filter(({ id }) => !over.has(id));
};
