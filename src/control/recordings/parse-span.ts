import { LiveMixError } from '../../media/error.ts';
import type { Span } from '../../media/span.ts';
import { type EpochMs, epochMs } from '../../media/units.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DAY_MS = 86_400_000;
/** No spool reaches back so far, and nobody plans so far ahead: such a time is a mistake. */
const MOST_BACK_MS = 366 * DAY_MS;
const MOST_AHEAD_MS = 31 * DAY_MS;

/**
 * The span that a request names. Each time is ISO 8601 with its zone, or an offset from `now` such as "-30s".
 * Throws `bad_time` for what is no time, `bad_span` for what is no span.
 */
export function parseSpan(from: string | undefined, until: string | undefined, now: EpochMs): Span {
  const span: Span = {
    from: from === undefined ? now : parseTime('from', from, now),
    ...(until !== undefined && { until: parseTime('until', until, now) }),
  };
  if (span.until !== undefined && span.until <= span.from) {
    throw new LiveMixError('bad_span', '`from` does not lie before `until`.');
  }
  return span;
}

function parseTime(name: 'from' | 'until', text: string, now: EpochMs): EpochMs {
  const offset = /^([+-])(\d+(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text);
  const at =
    offset === null ? parseIso(name, text) : now + Number(`${offset[1]}${offset[2]}`) * UNITS[offset[3]!]!;
  if (at < now - MOST_BACK_MS || at > now + MOST_AHEAD_MS) {
    throw new LiveMixError('bad_span', `\`${name}\` lies more than a year back or a month ahead.`, {
      hint: 'Check the year and the zone.',
    });
  }
  return epochMs(Math.round(at));
}

function parseIso(name: string, text: string): number {
  const isIso = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/.test(text);
  const day = isIso ? new Date(`${text.slice(0, 10)}T00:00:00Z`) : undefined;
  // A day that no month has is taken for one of the next month otherwise.
  const isDay =
    day !== undefined && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text.slice(0, 10));
  const at = isDay ? Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2')) : Number.NaN;
  if (Number.isNaN(at)) throw new LiveMixError('bad_time', `\`${name}\` is no time.`);
  return at;
}
