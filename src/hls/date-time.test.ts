import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type EpochMs, epochMs } from '../media/units.ts';
import { DateTimeReader, DateTimeWriter, parseDateTime, renderDateTime } from './date-time.ts';

const moments = fc.array(
  fc.oneof(
    fc.integer({ min: 1_795_000_000_000, max: 1_795_000_200_000 }),
    fc.integer({ min: -1e12, max: 8e12 }),
  ),
  { maxLength: 6 },
);

/** As encoders write it, and as they should not. */
const spoilt = fc.tuple(
  moments,
  fc.constantFrom('Z', '+0000', '+00:00', '+01:30', '-0500', '', 'z'),
  fc.nat(30),
);
const written = spoilt.map(([all, zone, at]) =>
  all.map((moment, index) => {
    const text = new Date(moment).toISOString().replace('Z', zone);
    return index === 2 ? text.slice(0, at) + 'x4 :.+6'[at % 7] + text.slice(at + 1) : text;
  }),
);

test('date-times that follow each other are read as each is alone', () => {
  fc.assert(
    fc.property(written, (texts) => {
      const reader = new DateTimeReader();
      const text = texts.map((one) => `:${one}\n`).join('');
      let end = 0;
      const read = texts.map((one) => {
        const start = end + 1;
        end = start + one.length + 1;
        return reader.again(text, start, end - 1) ?? reader.read(text, start, end - 1);
      });
      expect(read).toEqual(texts.map((one) => parseDateTime(one.trim())));
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  [
    ['2026-11-23T24:00:00.000Z', '2026-11-23T24:00:01.000Z'],
    [Date.UTC(2026, 10, 24), undefined],
  ],
  [
    ['2026-11-23T07:36:04.805Z', '2026-11-23T07:36:60.805Z'],
    [Date.UTC(2026, 10, 23, 7, 36, 4, 805), undefined],
  ],
  [
    ['2026-11-23T07:36:04.805Z', '2026-11-23T07:36:04.805+0000'],
    Array(2).fill(Date.UTC(2026, 10, 23, 7, 36, 4, 805)),
  ],
])('%j are %j', (texts, expected) => {
  const reader = new DateTimeReader();
  expect(
    texts.map((text) => reader.again(text, 0, text.length) ?? reader.read(text, 0, text.length)),
  ).toEqual(expected);
});

test('moments that follow each other are written as each is alone', () => {
  fc.assert(
    fc.property(moments, (all) => {
      const writer = new DateTimeWriter();
      expect(all.map((moment) => writer.write(epochMs(moment)))).toEqual(
        all.map((moment) => renderDateTime(moment as EpochMs)),
      );
    }),
    { numRuns: 2_000 },
  );
});
