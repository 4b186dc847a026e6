import { expect, test } from 'vitest';
import { type EpochMs, epochMs } from '../media/units.ts';
import { lastingRanges } from './lasting-ranges.ts';
import { parseMediaPlaylist } from './parse.ts';
import { withNeeds } from './segment-needs.ts';

const T = Date.parse('2026-01-01T00:00:00Z');
const date = (second: number) => new Date(T + second * 1000).toISOString();
const range = (rest: string, id = 'ad', start = 0) =>
  `#EXT-X-DATERANGE:ID="${id}",START-DATE="${date(start)}"${rest}`;

/** An encoder's segments of two seconds: `lines` before the first of the list, and before others by their number. */
type Said = {
  readonly from: number;
  readonly until: number;
  readonly head?: string;
  readonly before?: Readonly<Record<number, string>>;
  /** How far its date-times are behind; absent: it tells none. */
  readonly behind?: number;
};

function entries({ from, until, head, before = {}, behind }: Said) {
  const lines = ['#EXTM3U', `#EXT-X-MEDIA-SEQUENCE:${from}`, ...(head === undefined ? [] : [head])];
  for (let at = from; at < until; at++) {
    const own = before[at];
    if (own !== undefined) lines.push(own);
    if (behind !== undefined) lines.push(`#EXT-X-PROGRAM-DATE-TIME:${date(2 * at - behind)}`);
    lines.push('#EXTINF:2,', `${at}.ts`);
  }
  return withNeeds(parseMediaPlaylist(`${lines.join('\n')}\n`));
}

/** The ranges of each segment's record, each segment taken from the first playlist that has it; they begin at T + 2 n s. */
function taken(...playlists: readonly Said[]): readonly (readonly string[])[] {
  const records: { at: EpochMs; ranges: readonly string[] }[] = [];
  for (const said of playlists) {
    for (const entry of entries(said)) {
      if (entry.sequence < records.length) continue;
      const at = epochMs(T + 2000 * entry.sequence);
      records.push({ at, ranges: lastingRanges(entry, records.at(-1), at) });
    }
  }
  return records.map(({ ranges }) => ranges);
}

const lasting6 = range(',PLANNED-DURATION=6');

test.each([
  ['without date-times', undefined],
  ['with date-times', 0],
])(
  'a date range stays for as long as it covers what is listed, though its encoder’s list slid past it: %s',
  (_, behind) => {
    const clock = behind === undefined ? {} : { behind };
    const before = { 0: lasting6 };
    const told = taken({ from: 0, until: 1, before, ...clock }, { from: 1, until: 5, ...clock });
    expect(told).toEqual([[lasting6], [lasting6], [lasting6], [], []]);
  },
);

test('one that is repeated before every list is told with every segment until it is over, without date-times too', () => {
  const open = range('', 'open');
  const head = `${lasting6}\n${open}`;
  const told = taken({ from: 0, until: 2, head }, { from: 1, until: 3, head }, { from: 2, until: 4, head });
  const both = [lasting6, open];
  expect(told).toEqual([both, both, both, [open]]);
});

test('one that tells no end goes when its encoder lists it no longer', () => {
  const open = range('');
  expect(taken({ from: 0, until: 2, before: { 0: open } }, { from: 1, until: 3 })).toEqual([
    [open],
    [open],
    [],
  ]);
});

test('that one is over is told once, and it does not come back', () => {
  const [begins, ends] = [range(''), range(',DURATION=4')];
  const told = taken({ from: 0, until: 6, before: { 0: begins, 2: ends } });
  expect(told).toEqual([[begins], [begins], [begins, ends], [], [], []]);
});

test('what an end turned out to be outweighs what was planned', () => {
  const [planned, longer] = [range(',PLANNED-DURATION=2'), range(',DURATION=6')];
  const told = taken({ from: 0, until: 5, before: { 0: `${planned}\n${longer}` }, behind: 0 });
  expect(told.map(({ length }) => length)).toEqual([2, 2, 2, 0, 0]);
});

test('one of an encoder whose clock is behind stands where its segment stands here, always with the same dates', () => {
  const said = (start: number) => `${range(`,END-DATE="${date(start + 4)}",X-A=1`, 'ad', start)}`;
  const head = said(2 - 5);
  const told = taken(
    { from: 0, until: 2, before: { 1: head }, behind: 5 },
    { from: 1, until: 3, head, behind: 5 },
    // Its clock was set.
    { from: 2, until: 4, head, behind: 3 },
  );
  expect(told).toEqual([[], [said(2)], [said(2)], []]);
});

test('an ID that is used anew is another range', () => {
  const [first, second] = [range(',DURATION=60'), range(',DURATION=2', 'ad', 50)];
  const told = taken(
    { from: 0, until: 1, before: { 0: first }, behind: 0 },
    { from: 1, until: 2, head: second, behind: 0 },
  );
  expect(told[1]).toContain(second);
});

test('ranges that are too many are refused to nobody without date-times: those that the encoder said last are kept', () => {
  const many = Object.fromEntries(
    Array.from({ length: 200 }, (_, at) => [at, range(',DURATION=3600', `${at}`, 2 * at)]),
  );
  const told = taken({ from: 0, until: 200, before: many });
  expect(told.every((ranges) => ranges.length <= 64 && ranges.join('').length <= 4096)).toBe(true);
  expect(told.map((ranges) => ranges.at(-1))).toEqual(Object.values(many));
});
