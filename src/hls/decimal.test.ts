import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decimalIn } from './decimal.ts';

const DECIMAL = /^(?:\d+(?:\.\d*)?|\.\d+)$/;
const simplest = (text: string) => (DECIMAL.test(text.trim()) ? Number(text) : Number.NaN);

const digits = fc.stringMatching(/^\d{0,24}$/);
const numbers = fc.oneof(
  fc.tuple(digits, digits).map(([whole, part]) => `${whole}.${part}`),
  digits,
  fc.double({ min: 0, max: 600, noNaN: true }).map(String),
  fc.stringMatching(/^[0-9. +eE,x-]{0,8}$/),
);

test('a decimal number is read as JavaScript reads it, and nothing else is one', () => {
  fc.assert(
    fc.property(numbers, fc.constantFrom('', '7', '.', ' '), (text, around) => {
      const whole = around + text + around;
      expect(decimalIn(whole, around.length, around.length + text.length)).toBe(simplest(text));
    }),
    { numRuns: 10_000 },
  );
});
