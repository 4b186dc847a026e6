import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Catalog, CatalogRecording, CatalogSegment } from '../../src/catalog/catalog.ts';
import type { SegmentRecord } from '../../src/media/segment-record.ts';
import { coveredBy, covers, type Span } from '../../src/media/span.ts';
import { bytes, type EpochMs, epochMs, seconds } from '../../src/media/units.ts';

const T0 = 1_764_000_000_000;
/** A moment of the tests: milliseconds after they begin. */
export const at = (ms: number): EpochMs => epochMs(T0 + ms);

export const aRecording = (change: Partial<CatalogRecording> = {}): CatalogRecording => ({
  id: 'k3j5h2g8d9s7a1m4',
  source: 'camera-0',
  edge: 'barn',
  title: 'Milking',
  from: at(0),
  until: at(60_000),
  createdAt: at(-5),
  keep: false,
  ended: undefined,
  endedAt: undefined,
  settledUntil: at(0),
  lostBefore: undefined,
  spool: '',
  lostReason: 'beyond_spool',
  multivariant: '#EXTM3U\n',
  refusedUntil: at(1_000),
  ...change,
});

type Change = Partial<Omit<CatalogSegment, 'record'>> & { readonly record?: Partial<SegmentRecord> };

/** Number n of a camera that makes four-second segments since the tests began. */
export const aSegment = (sequence: number, { record, ...change }: Change = {}): CatalogSegment => ({
  source: 'camera-0',
  rendition: 'video',
  key: `${change.source ?? 'camera-0'}/${change.rendition ?? 'video'}/${sequence}-a1b2c3.ts`,
  record: {
    sequence,
    at: at(sequence * 4000),
    duration: seconds(4),
    digest: String(sequence).padStart(43, 'D'),
    bytes: bytes(1_000_000),
    extension: 'ts',
    discontinuity: false,
    discontinuitySequence: 2,
    targetDuration: 4,
    listFrom: 0,
    encoder: {
      sequence,
      name: `stream-${sequence}.ts`,
      bytes: bytes(1_000_000),
      modifiedAt: epochMs(T0 + sequence * 4000 + 3999.1235),
      targetDuration: 4,
    },
    ...record,
  },
  ...change,
});

export const aGap = (sequence: number, change: Change = {}): CatalogSegment =>
  aSegment(sequence, {
    key: undefined,
    ...change,
    record: { digest: '', bytes: bytes(0), gap: 'source_skipped', ...change.record },
  });

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
const always: Span = { from: epochMs(0) };
const numbers = (segments: readonly CatalogSegment[]) => segments.map(({ record }) => record.sequence);

/** What every catalog does with recordings, segments and objects. */
export function describeRecordings(create: () => Promise<() => Promise<Catalog>>): void {
  let open: () => Promise<Catalog>;
  let catalog: Catalog;
  beforeEach(async () => {
    open = await create();
    catalog = await open();
  });
  afterEach(() => catalog.close());
  const reopen = async () => {
    await catalog.close();
    catalog = await open();
  };
  const stored = () => catalog.segments('camera-0', always);

  describe('recordings', () => {
    test('one comes back as it was saved, whatever is not known yet', async () => {
      const open = aRecording({ until: undefined });
      await catalog.saveRecording(open);
      expect(await catalog.recordings()).toStrictEqual([open]);
      await reopen();
      expect(await catalog.recordings()).toStrictEqual([open]);
    });

    test('one that ended comes back with all that is known', async () => {
      const ended = aRecording({
        keep: true,
        ended: 'edge_lost',
        endedAt: at(90_000),
        settledUntil: at(40_001),
        lostBefore: at(0),
        spool: 'b3Blbg',
        lostReason: 'spool_lost',
        title: `'; drop table recording; --\n\u00e9\u{1f404}`,
      });
      await catalog.saveRecording(ended);
      expect(await catalog.recordings()).toStrictEqual([ended]);
    });

    test('saving again replaces, in both directions', async () => {
      const full = aRecording({
        keep: true,
        ended: 'settled',
        endedAt: at(1),
        lostBefore: at(2),
        spool: 's',
      });
      await catalog.saveRecording(aRecording({ until: undefined }));
      await catalog.saveRecording(full);
      expect(await catalog.recordings()).toStrictEqual([full]);
      await catalog.saveRecording(aRecording({ until: undefined }));
      expect(await catalog.recordings()).toStrictEqual([aRecording({ until: undefined })]);
    });

    test('the newest is first, and forgetting one leaves the others', async () => {
      for (const [id, created] of [
        ['b', 2],
        ['c', 3],
        ['a', 1],
      ] as const) {
        await catalog.saveRecording(aRecording({ id, createdAt: at(created) }));
      }
      expect((await catalog.recordings()).map(({ id }) => id)).toEqual(['c', 'b', 'a']);
      await catalog.deleteRecording('b');
      await catalog.deleteRecording('never was');
      expect((await catalog.recordings()).map(({ id }) => id)).toEqual(['c', 'a']);
    });

    test('forgetting a recording leaves its segments until they are dropped', async () => {
      await catalog.saveRecording(aRecording());
      await catalog.addSegments([aSegment(0)]);
      await catalog.deleteRecording(aRecording().id);
      expect(await stored()).toHaveLength(1);
    });
  });

  describe('segments', () => {
    test('media and gaps come back as they were stored', async () => {
      const segments = [
        aSegment(0, { record: { discontinuity: true, duration: seconds(3.9996), extension: 'm4s' } }),
        aGap(1, { record: { gap: 'truncated_at_source' } }),
        aSegment(Number.MAX_SAFE_INTEGER, { record: { at: at(8000), listFrom: Number.MAX_SAFE_INTEGER } }),
      ];
      expect(await catalog.addSegments(segments)).toEqual([]);
      await reopen();
      expect(await stored()).toStrictEqual(segments);
      for (const segment of segments) {
        const { source, rendition, record } = segment;
        expect(await catalog.segment(source, rendition, record.sequence)).toStrictEqual(segment);
      }
    });

    test('a number that is not stored is undefined, as is that of another source or rendition', async () => {
      await catalog.addSegments([aSegment(7)]);
      expect(await catalog.segment('camera-0', 'video', 8)).toBeUndefined();
      expect(await catalog.segment('camera-1', 'video', 7)).toBeUndefined();
      expect(await catalog.segment('camera-0', 'audio', 7)).toBeUndefined();
    });

    test('they are listed by rendition and number, of one source only', async () => {
      await catalog.addSegments([
        aSegment(10),
        aSegment(9, { rendition: 'video' }),
        aSegment(11, { rendition: 'audio' }),
        aSegment(10, { source: 'camera-1' }),
        aSegment(2, { rendition: 'audio' }),
      ]);
      const listed = (await stored()).map(({ rendition, record }) => `${rendition}/${record.sequence}`);
      expect(listed).toEqual(['audio/2', 'audio/11', 'video/9', 'video/10']);
    });

    test.each([
      ['ends where the segment begins', 0, 4000, []],
      ['ends a millisecond later', 0, 4001, [1]],
      ['begins where the segment ends', 8000, 9000, []],
      ['begins a millisecond earlier', 7999, 9000, [1]],
      ['lies within it', 5000, 5001, [1]],
      ['is empty', 5000, 5000, []],
      ['goes on', 7999, undefined, [1]],
      ['goes on, from its end', 8000, undefined, []],
    ])('a span that %s', async (_, from, until, found) => {
      await catalog.addSegments([aSegment(1)]);
      const span = { from: at(from), ...(until !== undefined && { until: at(until) }) };
      expect(numbers(await catalog.segments('camera-0', span))).toEqual(found);
      expect(covers(span, aSegment(1).record)).toBe(found.length > 0);
    });

    test('the longest segment is found by its last millisecond', async () => {
      await catalog.addSegments([aSegment(1, { record: { at: at(0), duration: seconds(60) } })]);
      const found = (from: number) => catalog.segments('camera-0', { from: at(from), until: at(from + 1) });
      expect(numbers(await found(59_999))).toEqual([1]);
      expect(numbers(await found(60_000))).toEqual([]);
    });

    test('a day of four-second segments is found whole, and any part of it', async () => {
      const day = upTo(21_600).map((sequence) =>
        sequence % 1000 === 7 ? aGap(sequence) : aSegment(sequence),
      );
      for (let n = 0; n < day.length; n += 2000) await catalog.addSegments(day.slice(n, n + 2000));
      await catalog.addSegments(upTo(5).map((sequence) => aSegment(sequence, { rendition: 'audio' })));
      await catalog.addSegments(upTo(5).map((sequence) => aSegment(sequence, { source: 'camera-1' })));
      const whole = await catalog.segments('camera-0', { from: at(20_000), until: at(21_600 * 4000) });
      expect(numbers(whole)).toEqual(numbers(day.slice(5)));
      expect(whole.at(-1)).toStrictEqual(day.at(-1));
      for (const [first, last] of [
        [0, 999],
        [0, 1000],
        [3000, 5999],
        [20_000, 21_599],
      ] as const) {
        const span = { from: at(first * 4000 + 1), until: at(last * 4000 + 1) };
        const found = (await catalog.segments('camera-0', span)).filter(
          ({ rendition }) => rendition === 'video',
        );
        expect([numbers(found)[0], numbers(found).at(-1), found.length]).toEqual([
          first,
          last,
          last - first + 1,
        ]);
      }
    });

    test('their bytes are counted, gaps are none', async () => {
      expect(await catalog.storedBytes()).toBe(0);
      await catalog.addSegments([aSegment(0), aGap(1), aSegment(0, { source: 'camera-1' })]);
      expect(await catalog.storedBytes()).toBe(2_000_000);
    });

    test('which of two thousand numbers are there', async () => {
      await catalog.addSegments([
        ...upTo(2000).map((sequence) => (sequence === 4 ? aGap(4) : aSegment(sequence))),
        aSegment(5001, { rendition: 'audio' }),
        aSegment(5003, { source: 'camera-1' }),
      ]);
      const asked = upTo(2000).map((index) => 5999 - 3 * index);
      const found = await catalog.storedOf('camera-0', 'video', asked);
      expect(numbers(found)).toEqual(upTo(666).map((index) => 3 * index + 2));
      expect(await catalog.storedOf('camera-0', 'video', [4, 4, 0])).toStrictEqual([aSegment(0), aGap(4)]);
      expect(await catalog.storedOf('camera-0', 'video', [])).toEqual([]);
    });
  });

  describe('a number that is known', () => {
    const another = aSegment(1, { key: 'another', record: { duration: seconds(3), at: at(4100) } });

    test('stays as it is: another key is not taken', async () => {
      await catalog.addSegments([aSegment(1)]);
      expect(await catalog.addSegments([aSegment(0), another, aSegment(2)])).toEqual(['another']);
      expect(await stored()).toStrictEqual([aSegment(0), aSegment(1), aSegment(2)]);
    });

    test('is taken again with its own key', async () => {
      await catalog.addSegments([aSegment(1)]);
      expect(await catalog.addSegments([aSegment(1)])).toEqual([]);
      expect(await stored()).toStrictEqual([aSegment(1)]);
    });

    test('as a gap: media takes its place, with its own time', async () => {
      await catalog.addSegments([aGap(1)]);
      expect(await catalog.addSegments([another])).toEqual([]);
      expect(await stored()).toStrictEqual([another]);
      expect(await catalog.storedBytes()).toBe(another.record.bytes);
      expect(await catalog.segments('camera-0', { from: at(0), until: at(4100) })).toEqual([]);
      expect(numbers(await catalog.segments('camera-0', { from: at(0), until: at(4101) }))).toEqual([1]);
    });

    test('as media: a gap does not take its place', async () => {
      await catalog.addSegments([aSegment(1)]);
      expect(await catalog.addSegments([aGap(1)])).toEqual([]);
      expect(await stored()).toStrictEqual([aSegment(1)]);
    });

    test('as a gap: another gap does not take its place', async () => {
      await catalog.addSegments([aGap(1)]);
      expect(await catalog.addSegments([aGap(1, { record: { gap: 'bad_name' } })])).toEqual([]);
      expect(await stored()).toStrictEqual([aGap(1)]);
    });

    test('within one call: the first media stays', async () => {
      expect(await catalog.addSegments([aGap(1), aSegment(1), another, aGap(1), aSegment(1)])).toEqual([
        'another',
      ]);
      expect(await stored()).toStrictEqual([aSegment(1)]);
    });

    test('two calls at once: one of them is taken, number by number', async () => {
      const ours = upTo(64).map((sequence) => aSegment(sequence, { key: `ours-${sequence}` }));
      const theirs = upTo(64).map((sequence) => aSegment(sequence + 32, { key: `theirs-${sequence + 32}` }));
      const other = await open();
      const refused = await Promise.all([catalog.addSegments(ours), other.addSegments(theirs)]);
      await other.close();
      const kept = new Set((await stored()).map(({ key }) => key));
      expect(await stored()).toHaveLength(96);
      const all = [...ours, ...theirs].map(({ key }) => key as string);
      expect(refused.flat().sort()).toEqual(all.filter((key) => !kept.has(key)).sort());
      expect(refused.flat()).toHaveLength(32);
    });

    test('a key of another number is refused, and all that came with it', async () => {
      await catalog.addSegments([aSegment(1, { key: 'same' })]);
      await expect(catalog.addSegments([aSegment(0), aSegment(2, { key: 'same' })])).rejects.toThrow();
      expect(numbers(await stored())).toEqual([1]);
      expect(await catalog.addSegments([aSegment(0)])).toEqual([]);
    });

    test('none at all is no error', async () => {
      expect(await catalog.addSegments([])).toEqual([]);
    });
  });

  describe('a segment that is restated', () => {
    const lost = aGap(1, { key: aSegment(1).key, record: { gap: 'object_lost' } });

    test('is a gap that keeps its key, and media again when its object is back', async () => {
      await catalog.addSegments([aSegment(0), aSegment(1)]);
      await catalog.restateSegment(lost);
      expect(await stored()).toStrictEqual([aSegment(0), lost]);
      expect(await catalog.storedBytes()).toBe(1_000_000);
      expect(await catalog.knownKeys([lost.key as string])).toEqual(new Set([lost.key]));
      await catalog.restateSegment(aSegment(1));
      expect(await stored()).toStrictEqual([aSegment(0), aSegment(1)]);
    });

    test('is doomed with the key it had', async () => {
      await catalog.addSegments([aSegment(1)]);
      await catalog.restateSegment(lost);
      await catalog.dropUncovered(1);
      expect(await catalog.doomed(10)).toEqual([lost.key]);
    });

    test('as a gap: media takes its place, with its key or another', async () => {
      await catalog.addSegments([aSegment(1)]);
      for (const again of [aSegment(1), aSegment(1, { key: 'another' })]) {
        await catalog.restateSegment(lost);
        expect(await catalog.addSegments([again])).toEqual([]);
        expect(await stored()).toStrictEqual([again]);
      }
    });

    test('stays as it is when another took its number meanwhile, or when it is not stored', async () => {
      await catalog.restateSegment(lost);
      expect(await stored()).toEqual([]);
      await catalog.addSegments([aSegment(1, { key: 'another' })]);
      await catalog.restateSegment(lost);
      expect(await stored()).toStrictEqual([aSegment(1, { key: 'another' })]);
    });
  });

  describe('what no recording covers', () => {
    const cover = (from: number, until: number | undefined, change: Partial<CatalogRecording> = {}) =>
      catalog.saveRecording(
        aRecording({
          id: `${from}-${until}`,
          from: at(from),
          until: until === undefined ? undefined : at(until),
          ...change,
        }),
      );

    test('is dropped, and its objects are doomed; gaps have none', async () => {
      await catalog.addSegments([aSegment(0), aGap(1), aSegment(2, { rendition: 'audio' })]);
      expect(await catalog.dropUncovered(100)).toBe(3);
      expect(await stored()).toEqual([]);
      expect(await catalog.storedBytes()).toBe(0);
      expect(await catalog.doomed(100)).toEqual([aSegment(2, { rendition: 'audio' }).key, aSegment(0).key]);
      expect(await catalog.dropUncovered(100)).toBe(0);
    });

    test('is what ends where a recording begins, or begins where it ends', async () => {
      await catalog.addSegments(upTo(6).map((sequence) => aSegment(sequence)));
      await cover(8000, 16_000);
      expect(await catalog.dropUncovered(100)).toBe(4);
      expect(numbers(await stored())).toEqual([2, 3]);
    });

    test('is not what a recording covers for a millisecond', async () => {
      await catalog.addSegments(upTo(6).map((sequence) => aSegment(sequence)));
      await cover(7999, 16_001);
      expect(await catalog.dropUncovered(100)).toBe(2);
      expect(numbers(await stored())).toEqual([1, 2, 3, 4]);
    });

    test('is not what another recording of the source covers, whatever its state', async () => {
      await catalog.addSegments(upTo(20).map((sequence) => aSegment(sequence)));
      await cover(0, 20_000);
      await cover(8000, 40_000, { ended: 'settled', endedAt: at(1) });
      await cover(48_000, 52_000, { ended: 'edge_lost', endedAt: at(1) });
      await cover(72_000, undefined);
      await catalog.deleteRecording('0-20000');
      expect(await catalog.dropUncovered(100)).toBe(20 - 8 - 1 - 2);
      expect(numbers(await stored())).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 12, 18, 19]);
    });

    test('is what only a recording of another source covers', async () => {
      await catalog.addSegments([aSegment(0), aSegment(0, { source: 'camera-1' })]);
      await cover(0, undefined, { source: 'camera-1' });
      expect(await catalog.dropUncovered(100)).toBe(1);
      expect(await stored()).toEqual([]);
      expect(await catalog.segments('camera-1', always)).toHaveLength(1);
      expect(await catalog.doomed(100)).toEqual([aSegment(0).key]);
    });

    test('is dropped as many at once as is asked', async () => {
      const added = [
        ...upTo(5).map((sequence) => aSegment(sequence)),
        ...upTo(5).map((sequence) => aSegment(sequence, { source: 'camera-1' })),
      ];
      await catalog.addSegments(added);
      await cover(8000, 12_000);
      const dropped: number[] = [];
      for (let round = 0; round < 5; round++) dropped.push(await catalog.dropUncovered(3));
      expect(dropped).toEqual([3, 3, 3, 0, 0]);
      expect(await catalog.dropUncovered(0)).toBe(0);
      expect(numbers(await stored())).toEqual([2]);
      expect(await catalog.doomed(100)).toHaveLength(9);
    });

    test('is by the thousand as well', async () => {
      await catalog.addSegments(upTo(2500).map((sequence) => aSegment(sequence)));
      expect(await catalog.dropUncovered(2000)).toBe(2000);
      expect(await catalog.doomed(5000)).toHaveLength(2000);
      expect(numbers(await stored())[0]).toBe(2000);
    });

    test('may be stored again under another key, not under one that is doomed', async () => {
      await catalog.addSegments([aSegment(0)]);
      await catalog.dropUncovered(1);
      expect(await catalog.addSegments([aSegment(0), aSegment(1)])).toEqual([aSegment(0).key]);
      expect(numbers(await stored())).toEqual([1]);
      expect(await catalog.addSegments([aSegment(0, { key: 'new' })])).toEqual([]);
    });

    test('is the same as what covers() says, whatever the spans', async () => {
      const moment = fc.integer({ min: 0, max: 30 });
      const span = fc
        .tuple(moment, fc.option(moment, { nil: undefined, freq: 8 }))
        .map(([from, until]) => ({ from: at(from), until: until === undefined ? undefined : at(until) }));
      const time = fc.record({
        at: moment.map(at),
        duration: fc.constantFrom(0.0001, 0.001, 0.003, 0.009).map(seconds),
      });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(span, { maxLength: 5 }),
          fc.array(time, { maxLength: 30 }),
          async (spans, times) => {
            const source = `camera-${++run}`;
            const segments = times.map((record, index) => aSegment(index, { source, record }));
            await catalog.addSegments(segments);
            for (const [index, { from, until }] of spans.entries()) {
              await catalog.saveRecording(aRecording({ id: `${source}-${index}`, source, from, until }));
            }
            const plain: Span[] = spans.map(({ from, until }) => ({
              from,
              ...(until !== undefined && { until }),
            }));
            for (const each of plain) {
              const found = await catalog.segments(source, each);
              expect(found).toEqual(segments.filter(({ record }) => covers(each, record)));
            }
            const covered = segments.filter(({ record }) => coveredBy(plain, record));
            expect(await catalog.dropUncovered(1000)).toBe(segments.length - covered.length);
            expect(await catalog.segments(source, always)).toEqual(covered);
          },
        ),
        { numRuns: 60 },
      );
    });
  });

  describe('objects that are to be removed', () => {
    test('are told until they are removed, and after a restart', async () => {
      await catalog.doom(['a', 'b']);
      await catalog.doom(['b', 'c', 'c']);
      await reopen();
      expect([...(await catalog.doomed(10))].sort()).toEqual(['a', 'b', 'c']);
      expect(await catalog.doomed(2)).toHaveLength(2);
      await catalog.undoom(['a', 'c', 'never was']);
      expect(await catalog.doomed(10)).toEqual(['b']);
    });

    test('may be thousands, or none', async () => {
      const keys = upTo(2000).map((index) => `key-${index}`);
      await catalog.doom(keys);
      expect(await catalog.doomed(5000)).toHaveLength(2000);
      await catalog.undoom(keys);
      expect(await catalog.doomed(5000)).toEqual([]);
      await catalog.doom([]);
      await catalog.undoom([]);
    });

    test('are never those that a segment names', async () => {
      await catalog.addSegments([aSegment(0)]);
      await catalog.doom([aSegment(0).key as string, 'orphan']);
      expect(await catalog.doomed(10)).toEqual(['orphan']);
    });

    test('and those that segments name are known, others are not', async () => {
      await catalog.addSegments(upTo(1000).map((sequence) => aSegment(sequence)));
      await catalog.doom(['doomed']);
      const asked = [...upTo(1999).map((sequence) => aSegment(sequence).key as string), 'doomed'];
      const known = await catalog.knownKeys(asked);
      expect([...known].sort()).toEqual([...asked.slice(0, 1000), 'doomed'].sort());
      expect(await catalog.knownKeys([])).toEqual(new Set());
      await catalog.dropUncovered(10);
      expect(await catalog.knownKeys(asked)).toEqual(known);
    });
  });
}
