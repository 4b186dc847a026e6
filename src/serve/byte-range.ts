/** A single range of a body, both ends included; `unsatisfiable` when it lies outside. */
export type ByteRange = { readonly first: number; readonly last: number } | 'unsatisfiable';

/**
 * What a Range header asks of `length` bytes (RFC 9110 §14.2). Undefined when there is none, it has another
 * unit, more than one range, or makes no sense: then the whole is sent.
 */
export function parseRange(header: string | undefined, length: number): ByteRange | undefined {
  if (header === undefined) return undefined;
  const match = /^bytes=(\d{0,16})-(\d{0,16})$/.exec(header.trim());
  if (match === null) return undefined;
  const [, from, to] = match as unknown as [string, string, string];
  if (from === '') {
    if (to === '') return undefined;
    const suffix = Number(to);
    return suffix === 0 || length === 0
      ? 'unsatisfiable'
      : { first: Math.max(0, length - suffix), last: length - 1 };
  }
  const first = Number(from);
  const last = to === '' ? length - 1 : Math.min(Number(to), length - 1);
  if (to !== '' && Number(to) < first) return undefined;
  return first >= length ? 'unsatisfiable' : { first, last };
}
