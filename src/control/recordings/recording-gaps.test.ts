import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import { recordForTest } from '../../media/record-for-test.ts';
import { gapReasons, type SegmentRecord } from '../../media/segment-record.ts';
import { covers } from '../../media/span.ts';
import { epochMs, seconds } from '../../media/units.ts';
import { gapsOf, joinedGaps, lacksMedia, type RecordingGap } from './recording-gaps.ts';

const recordingOf = (change: Partial<CatalogRecording> = {}): CatalogRecording => ({
  id: 'abcdefghijkmnpqr',
  source: 'camera-0',
  edge: 'edge-1',
  title: '',
  from: epochMs(10_000),
  until: epochMs(20_000),
  createdAt: epochMs(10_000),
  keep: false,
  ended: 'settled',
  endedAt: epochMs(21_000),
  settledUntil: epochMs(20_000),
  lostBefore: epochMs(10_000),
  spool: 'spool-1',
  lostReason: 'beyond_spool',
  multivariant: undefined,
  ...change,
});

const row = (sequence: number, change: Partial<SegmentRecord> = {}): CatalogSegment => ({
  source: 'camera-0',
  rendition: 'main',
  record: recordForTest(sequence, change),
  key: `segments/${sequence}`,
});
const rows = (...numbers: number[]) => numbers.map((sequence) => row(sequence));
const told = (recording: CatalogRecording, segments: readonly CatalogSegment[]) =>
  gapsOf(recording, segments).map(({ from, until, reason }) => `${from / 1000}-${until / 1000} ${reason}`);

test('media without a hole has no gap, nor has media that drifts by less than a second', () => {
  expect(told(recordingOf(), rows(5, 6, 7, 8, 9))).toEqual([]);
  const drifting = [row(5), row(6, { at: epochMs(12_900) }), ...rows(7, 8, 9)];
  expect(told(recordingOf(), drifting)).toEqual([]);
});

test('an encoder that made nothing leaves a silence, and the recording complete', () => {
  const late = [row(5), row(6, { at: epochMs(16_000) }), row(7, { at: epochMs(18_000) })];
  expect(told(recordingOf(), late)).toEqual(['12-16 source_silent']);
  expect(told(recordingOf(), [])).toEqual(['10-20 source_silent']);
  expect(lacksMedia(gapsOf(recordingOf(), late))).toBe(false);
});

test('what was sent and could not be taken in was no silence', () => {
  const recording = recordingOf({ createdAt: epochMs(13_000), refusedUntil: epochMs(16_000) });
  expect(told(recording, [])).toEqual(['10-12 source_silent', '12-16 source_refused', '16-20 source_silent']);
  expect(told(recording, rows(7, 8, 9))).toEqual(['10-12 source_silent', '12-14 source_refused']);
  expect(told(recordingOf({ refusedUntil: epochMs(20_000) }), [])).toEqual(['10-20 source_refused']);
  expect(told(recording, rows(5, 6, 7, 8, 9))).toEqual([]);
  expect(lacksMedia(gapsOf(recording, []))).toBe(true);
});

test('what the edge no longer had when it was asked is beyond its spool', () => {
  const recording = recordingOf({ lostBefore: epochMs(14_000) });
  expect(told(recording, rows(7, 8, 9))).toEqual(['10-14 beyond_spool']);
  expect(told(recording, rows(8, 9))).toEqual(['10-14 beyond_spool', '14-16 source_silent']);
  // Another recording had it: it is there.
  expect(told(recording, rows(5, 6, 7, 8, 9))).toEqual([]);
  expect(lacksMedia(gapsOf(recording, rows(7, 8, 9)))).toBe(true);
});

test('an edge that comes back with another disk has lost what it had not delivered', () => {
  const recording = recordingOf({ lostBefore: epochMs(16_000), lostReason: 'spool_lost' });
  const later = [...rows(5), row(5_000, { at: epochMs(16_000) }), row(5_001, { at: epochMs(18_000) })];
  expect(told(recording, later)).toEqual(['12-16 spool_lost']);
});

test('numbers that jump without a record are an edge that lost its power', () => {
  const jumped = [row(5), row(6), row(2_000, { at: epochMs(16_000) }), row(2_001, { at: epochMs(18_000) })];
  expect(told(recordingOf(), jumped)).toEqual(['14-16 edge_restarted']);
});

test('a segment that the edge never got, or that is gone, says so itself', () => {
  const missing = [
    ...rows(5),
    row(6, { gap: 'missing_at_source' }),
    row(7, { gap: 'object_lost' }),
    ...rows(8, 9),
  ];
  expect(told(recordingOf(), missing)).toEqual(['12-14 missing_at_source', '14-16 object_lost']);
});

test('what is not settled is no gap yet; what an edge never delivered is one when it is given up', () => {
  const open = recordingOf({ ended: undefined, settledUntil: epochMs(14_000) });
  expect(told(open, rows(5, 6))).toEqual([]);
  expect(told({ ...open, ended: 'edge_lost' }, rows(5, 6))).toEqual(['14-20 edge_lost']);
});

test('what was stored ahead of what the edge never delivered does not hide the hole before it', () => {
  const givenUp = recordingOf({ ended: 'edge_lost', settledUntil: epochMs(14_000) });
  expect(told(givenUp, rows(5, 6, 8, 9))).toEqual(['14-16 edge_lost']);
  expect(told(givenUp, rows(5, 6, 8))).toEqual(['14-16 edge_lost', '18-20 edge_lost']);
  expect(told({ ...givenUp, settledUntil: epochMs(10_000) }, [])).toEqual(['10-20 edge_lost']);
  // While it drains, the hole may still be filled.
  expect(told({ ...givenUp, ended: undefined }, rows(5, 6, 8, 9))).toEqual([]);
});

test('a recording that begins while the edge is without power does not take that for silence', () => {
  const after = [2_007, 2_008, 2_009].map((sequence, index) =>
    row(sequence, {
      at: epochMs(14_000 + index * 2_000),
      listFrom: 2_007,
      discontinuity: index === 0,
    }),
  );
  expect(told(recordingOf(), after)).toEqual(['10-14 edge_restarted']);
  // The first segment that a source ever had follows nothing, a new encoder's follows the last one.
  expect(told(recordingOf(), [row(7, { listFrom: 7 }), ...rows(8, 9)])).toEqual(['10-14 source_silent']);
  expect(told(recordingOf(), [row(7, { discontinuity: true }), ...rows(8, 9)])).toEqual([
    '10-14 source_silent',
  ]);
});

test('segments that overlap by half a second have gaps that do not', () => {
  const stepsBack = [
    ...rows(5),
    row(6, { gap: 'spool_full' }),
    row(7, { at: epochMs(13_500), gap: 'missing_at_source' }),
    row(8, { at: epochMs(15_000), gap: 'missing_at_source' }),
    ...rows(9),
  ];
  expect(told(recordingOf(), stepsBack)).toEqual(['12-14 spool_full', '14-17 missing_at_source']);
});

test.each(gapReasons)('a gap of the reason %s leaves a recording incomplete', (gap) => {
  const gaps = gapsOf(recordingOf(), [...rows(5, 6), row(7, { gap }), ...rows(8, 9)]);
  expect(gaps).toEqual([{ from: 14_000, until: 16_000, reason: gap }]);
  expect(lacksMedia(gaps)).toBe(true);
});

test('gaps lie within the span, ascend, do not overlap, and with the media make up all of it', () => {
  const records = fc.array(
    fc.record({
      skip: fc.nat(3),
      wait: fc.integer({ min: -250, max: 5_000 }),
      duration: fc.integer({ min: 500, max: 6_000 }),
      gap: fc.boolean(),
    }),
    { maxLength: 12 },
  );
  const ends = fc.constantFrom('settled' as const, 'edge_lost' as const);
  const settling = fc.integer({ min: 10_000, max: 20_000 });
  const lost = fc.option(fc.integer({ min: 0, max: 40_000 }), { nil: undefined });
  fc.assert(
    fc.property(records, lost, ends, settling, (made, lostBefore, ended, settledUntil) => {
      const recording = recordingOf({
        ended,
        ...(ended === 'edge_lost' && { settledUntil: epochMs(settledUntil) }),
        lostBefore: lostBefore === undefined ? undefined : epochMs(lostBefore),
      });
      let at = 4_000;
      let sequence = 1;
      const stored = made.flatMap(({ skip, wait, duration, gap }) => {
        at += wait;
        sequence += 1 + skip;
        const segment = row(sequence, {
          at: epochMs(at),
          duration: seconds(duration / 1000),
          ...(gap && { gap: 'missing_at_source' as const }),
        });
        at += duration;
        return covers(recording, segment.record) ? [segment] : [];
      });
      const gaps = gapsOf(recording, stored);
      let covered = 0;
      let reached = Number(recording.from);
      for (const { from, until } of gaps) {
        expect(from).toBeGreaterThanOrEqual(reached);
        expect(until).toBeGreaterThan(from);
        expect(until).toBeLessThanOrEqual(recording.until!);
        reached = until;
        covered += until - from;
      }
      const media = stored
        .filter(({ record }) => record.gap === undefined)
        .reduce((sum, { record }) => {
          const end = Math.min(record.at + record.duration * 1000, recording.until!);
          return sum + Math.max(0, end - Math.max(record.at, recording.from));
        }, 0);
      // Up to a second between segments in a row is drift; they overlap by up to a quarter.
      const drift = 1_000 * stored.length;
      expect(covered + media).toBeLessThanOrEqual(10_000 + 250 * stored.length + 1);
      expect(covered + media).toBeGreaterThanOrEqual(10_000 - drift - 1);
    }),
    { seed: 20_261_124, numRuns: 2_000 },
  );
});

const gap = (from: number, until: number, reason: RecordingGap['reason']): RecordingGap => ({
  from: epochMs(from * 1000),
  until: epochMs(until * 1000),
  reason,
});
const joined = (...ofEach: RecordingGap[][]) =>
  joinedGaps(ofEach).map(({ from, until, reason }) => `${from / 1000}-${until / 1000} ${reason}`);

test('of several renditions what any of them lost is a gap, and silence only where none was made', () => {
  expect(joined([])).toEqual([]);
  expect(joined([gap(1, 3, 'source_silent')], [])).toEqual([]);
  expect(
    joined([gap(1, 6, 'source_silent')], [gap(2, 4, 'source_silent'), gap(5, 9, 'source_silent')]),
  ).toEqual(['2-4 source_silent', '5-6 source_silent']);
  expect(joined([gap(1, 3, 'spool_full')], [gap(5, 6, 'too_large')])).toEqual([
    '1-3 spool_full',
    '5-6 too_large',
  ]);
});

test('gaps of several renditions that meet are told once', () => {
  expect(joined([gap(1, 4, 'spool_full')], [gap(2, 6, 'spool_full')])).toEqual(['1-6 spool_full']);
  expect(joined([gap(1, 6, 'spool_full')], [gap(2, 4, 'too_large')])).toEqual(['1-6 spool_full']);
  expect(joined([gap(1, 4, 'edge_restarted')], [gap(3, 6, 'spool_corrupt')])).toEqual([
    '1-4 edge_restarted',
    '4-6 spool_corrupt',
  ]);
});

test('whatever renditions lack: joined gaps ascend, do not overlap, and cover all that any of them lost', () => {
  const some = fc.array(
    fc.record({
      from: fc.nat({ max: 40 }),
      lasts: fc.integer({ min: 1, max: 9 }),
      reason: fc.constantFrom<RecordingGap['reason']>('source_silent', 'spool_full', 'edge_restarted'),
    }),
    { maxLength: 6 },
  );
  const ofOne = some.map((all) => {
    let end = 0;
    return all.map(({ from, lasts, reason }) => {
      const begin = end + from;
      end = begin + lasts;
      return gap(begin, end, reason);
    });
  });
  const has = (gaps: readonly RecordingGap[], second: number, silent: boolean) =>
    gaps.some(
      ({ from, until, reason }) =>
        from <= second * 1000 && until > second * 1000 && (reason === 'source_silent') === silent,
    );
  fc.assert(
    fc.property(fc.array(ofOne, { minLength: 2, maxLength: 4 }), (ofEach) => {
      const all = joinedGaps(ofEach);
      for (const [at, one] of all.entries()) {
        expect(one.until).toBeGreaterThan(one.from);
        if (at > 0) expect(one.from).toBeGreaterThanOrEqual(all[at - 1]!.until);
      }
      for (let second = 0; second < 300; second++) {
        const lost = ofEach.some((gaps) => has(gaps, second, false));
        const silent = ofEach.every((gaps) => has(gaps, second, true));
        expect(has(all, second, false)).toBe(lost);
        expect(has(all, second, true)).toBe(silent && !lost);
      }
    }),
    { numRuns: 60 },
  );
});

test('numbers that another rendition has were not lost with an edge that lost its power', () => {
  const jumped = [row(5), row(6), row(9)];
  const others = [rows(5, 6, 7, 8, 9)];
  expect(told(recordingOf(), jumped)).toEqual(['14-18 edge_restarted']);
  expect(gapsOf(recordingOf(), jumped, others)).toMatchObject([{ reason: 'source_silent' }]);
  expect(gapsOf(recordingOf(), jumped, [rows(5, 6, 9)])).toMatchObject([{ reason: 'edge_restarted' }]);
});
