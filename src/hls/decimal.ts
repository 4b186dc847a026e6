/** More digits than these may not be exact as an integer. */
const EXACT_DIGITS = 15;
const ZERO = 0x30;
const DOT = 0x2e;

/** 10 to the power of what stands behind the dot. */
const POWERS = Array.from({ length: EXACT_DIGITS + 1 }, (_, power) => 10 ** power);

/**
 * The decimal number that stands in a text from `start` to `end`, as RFC 8216 §4.2 has them: no sign, no exponent; white
 * space around it does no harm. NaN where there is none. The quotient of two integers that are exact is the number nearest
 * to what is written, so it is what `Number` makes of it.
 */
export function decimalIn(text: string, start: number, end: number): number {
  let integer = 0;
  let digits = 0;
  let dot = -1;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    const digit = code - ZERO;
    if (digit >= 0 && digit <= 9) {
      integer = integer * 10 + digit;
      digits += 1;
    } else if (code === DOT && dot < 0) dot = at;
    else return trimmedDecimal(text.slice(start, end));
  }
  if (digits === 0) return Number.NaN;
  if (digits > EXACT_DIGITS) return Number(text.slice(start, end));
  return dot < 0 ? integer : integer / POWERS[end - dot - 1]!;
}

function trimmedDecimal(text: string): number {
  const trimmed = text.trim();
  return trimmed.length === text.length ? Number.NaN : decimalIn(trimmed, 0, trimmed.length);
}
