import { isObjectKey } from './object-store.ts';

/** Throws a `RangeError` where a text is no key. Every driver asks before it touches anything. */
export function checkKey(key: string): void {
  if (!isObjectKey(key)) throw new RangeError(`${JSON.stringify(key.slice(0, 80))} is no object key`);
}

/** Throws a `RangeError` where no key can begin with a text. The empty one is fine. */
export function checkPrefix(prefix: string): void {
  if (prefix === '' || isObjectKey(prefix) || isObjectKey(`${prefix}x`)) return;
  throw new RangeError(`no object key begins with ${JSON.stringify(prefix.slice(0, 80))}`);
}

/** Throws a `RangeError` where a range is none. */
export function checkRange(range: { readonly first: number; readonly last: number } | undefined): void {
  if (range === undefined) return;
  const { first, last } = range;
  if (Number.isSafeInteger(first) && Number.isSafeInteger(last) && first >= 0 && last >= first) return;
  throw new RangeError(`${first}-${last} is no range of bytes`);
}
