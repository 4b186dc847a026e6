/** Readers of answers that could be anything: what is not as expected is left out. */
export const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

export const text = (value: unknown): string => (typeof value === 'string' ? value : '');

export const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;

/** An ISO time as milliseconds since 1970. */
export const time = (value: unknown): number | undefined => {
  const ms = Date.parse(text(value));
  return Number.isNaN(ms) ? undefined : ms;
};
