/** The value below which the share `p` of the values lies; of sorted or unsorted ones. */
export function percentile(values, p) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))];
}

export const median = (values) => percentile(values, 0.5);

export const sum = (values) => values.reduce((total, value) => total + value, 0);

/** So many significant digits, as a number. */
export const round = (value, digits = 3) => Number(Number(value).toPrecision(digits));

export const MB = 1e6;
export const MIB = 1024 * 1024;
