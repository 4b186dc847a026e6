/** How many values one statement is given: a database takes only so many variables. */
export const VALUES_AT_ONCE = 500;

/** The values in their order, at most `size` at once. */
export function* chunksOf<T>(values: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < values.length; start += size) yield values.slice(start, start + size);
}
