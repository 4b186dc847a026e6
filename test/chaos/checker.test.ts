import { describe, expect, test } from 'vitest';
import { check, type Evidence } from './checker.ts';
import { bytesOf, gapOf, range, stagedEvents, stagedEvidence } from './staged-for-test.ts';

/** 4 was announced just after the start, 15 just before the stop. */
const whole = range(4, 15);
const without = (...numbers: readonly number[]) =>
  whole.filter(({ sequence }) => !numbers.includes(sequence));
const violationsOf = (evidence: Evidence) => check(evidence).violations;
const gapEntry = (sequence: number) => ({ run: 0, sequence, gap: true });
const inPlaceOf = (sequence: number, entry: (typeof whole)[number] & Record<string, unknown>) =>
  whole.map((segment) => (segment.sequence === sequence ? entry : segment));

describe('a recording that is as it must be', () => {
  test('has all that is owed, and says complete', () => {
    expect(check(stagedEvidence({ entries: whole }))).toEqual({
      violations: [],
      notes: [],
      ...{ owed: 12, allowed: 17, kept: 12 },
    });
  });

  test('may have the segments on both sides, and time in which the encoder made nothing', () => {
    const gaps = [{ ...gapOf('source_silent', ...range(18, 19)) }];
    expect(violationsOf(stagedEvidence({ entries: range(3, 16), gaps }))).toEqual([]);
  });

  test('crosses a restart of the encoder with a discontinuity', () => {
    const events = stagedEvents(2);
    const entries = [...range(4, 9), { run: 1, sequence: 0, discontinuity: true }, ...range(1, 5, 1)];
    expect(violationsOf(stagedEvidence({ entries }, events))).toEqual([]);
    const hidden = [...range(4, 9), ...range(0, 5, 1)];
    expect(violationsOf(stagedEvidence({ entries: hidden }, events))).toEqual([
      'I4 order: 1/0 follows 0/9 without EXT-X-GAP or EXT-X-DISCONTINUITY',
    ]);
  });

  test('owns up to what the encoder spoiled', () => {
    const entries = inPlaceOf(8, gapEntry(8));
    const gaps = [gapOf('truncated_at_source', gapEntry(8))];
    const evidence = stagedEvidence({ entries, gaps, state: 'incomplete' }, stagedEvents(1, ['0/8']));
    const allowed = { reasons: ['truncated_at_source'] };
    expect(violationsOf({ ...evidence, allowed })).toEqual([]);
    expect(violationsOf(evidence)).toEqual([
      'I6 honesty: 0/8 is missing for truncated_at_source, which this row does not allow',
      'I6 honesty: gaps truncated_at_source are stated, which this row does not allow',
    ]);
  });

  test('may lose and state what is owed only where the row says so', () => {
    const lost = [gapEntry(8), gapEntry(9)];
    const entries = [...range(4, 7), { run: 0, sequence: 10, discontinuity: true }, ...range(11, 15)];
    const evidence = stagedEvidence({ entries, gaps: [gapOf('spool_full', ...lost)], state: 'incomplete' });
    expect(violationsOf({ ...evidence, allowed: { reasons: ['spool_full'], ofOwed: true } })).toEqual([]);
    expect(violationsOf({ ...evidence, allowed: { reasons: ['spool_full'] } })).toEqual([
      'I1 completeness: 0/8, 0/9 is owed and missing',
    ]);
  });
});

describe('the checker finds', () => {
  test('a segment that is lost in silence', () => {
    expect(violationsOf(stagedEvidence({ entries: without(8) }))).toEqual([
      'I1 completeness: 0/8 is owed and missing',
      'I6 honesty: 0/8 was announced and is missing, and no gap says so',
      'I6 honesty: 0/8 is missing and the playlist has neither EXT-X-GAP nor EXT-X-DISCONTINUITY there',
      'I4 order: 0/9 follows 0/7 without EXT-X-GAP or EXT-X-DISCONTINUITY',
      'I6 honesty: the state is complete, but announced segments are missing',
    ]);
  });

  test.each([
    ['first', 4],
    ['last', 15],
  ])('that the %s one is missing', (_, sequence) => {
    expect(violationsOf(stagedEvidence({ entries: without(sequence) }))).toEqual([
      `I1 completeness: 0/${sequence} is owed and missing`,
      `I6 honesty: 0/${sequence} was announced and is missing, and no gap says so`,
      'I6 honesty: the state is complete, but announced segments are missing',
    ]);
  });

  test('that what the encoder spoiled is missing in silence', () => {
    const entries = without(8).map((entry) => ({ ...entry, discontinuity: entry.sequence === 9 }));
    expect(violationsOf(stagedEvidence({ entries }, stagedEvents(1, ['0/8'])))).toEqual([
      'I6 honesty: 0/8 was announced and is missing, and no gap says so',
      'I6 honesty: the state is complete, but announced segments are missing',
    ]);
  });

  test('a gap that is too short for what is missing, and one that blames the encoder', () => {
    const entries = without(7, 8, 9).map((entry) => ({ ...entry, discontinuity: entry.sequence === 10 }));
    const allowed = { reasons: ['spool_full'], ofOwed: true };
    const short = stagedEvidence({ entries, gaps: [gapOf('spool_full', gapEntry(8))], state: 'incomplete' });
    expect(violationsOf({ ...short, allowed })).toEqual([
      'I1 completeness: 0/7, 0/8, 0/9 is owed and missing',
      'I6 honesty: 0/7, 0/8, 0/9 was announced and is missing, and gaps own up to 500 ms only',
    ]);
    const lie = stagedEvidence({ entries, gaps: [gapOf('source_silent', gapEntry(7), gapEntry(9))] });
    expect(violationsOf({ ...lie, allowed })).toContain(
      'I6 honesty: 0/7, 0/8, 0/9 was announced and is missing, and no gap says so',
    );
  });

  test('an invented segment, and one from another time', () => {
    const entries = [...range(0, 0), ...inPlaceOf(8, { run: 0, sequence: 8, bytes: Buffer.from('nobody') })];
    const found = violationsOf({ ...stagedEvidence({ entries }), download: Buffer.alloc(0) });
    expect(found).toContain('I2 no invention: 0/0 does not belong to the recording');
    expect(found.join()).toMatch(/I2 no invention, I5 bytes: \S+ has 6 bytes that no encoder made/);
  });

  test('one that is there twice', () => {
    const entries = [...range(4, 8), { run: 0, sequence: 8 }, ...range(9, 15)];
    expect(violationsOf(stagedEvidence({ entries }))).toEqual(['I3 exactly once: 0/8 is there 2 times']);
  });

  test('wrong order', () => {
    const entries = [...range(4, 7), ...range(9, 9), ...range(8, 8), ...range(10, 15)];
    expect(violationsOf(stagedEvidence({ entries }))).toContain('I4 order: 0/8 stands behind 0/9');
  });

  test('a flipped byte, in the replay and in the download', () => {
    const bytes = Buffer.from(bytesOf({ run: 0, sequence: 8 }));
    bytes[3_000]! ^= 1;
    const found = violationsOf(stagedEvidence({ entries: inPlaceOf(8, { run: 0, sequence: 8, bytes }) }));
    expect(found.join('\n')).toMatch(/has 5076 bytes of 0\/8 as they were not made: byte 3000 differs/);
    const good = stagedEvidence({ entries: whole });
    const download = Buffer.from(good.download!);
    download[5 * bytes.length + 3_000]! ^= 1;
    expect(violationsOf({ ...good, download })).toEqual([
      'I5 bytes: download.ts has unknown where the replay has 0/9, as segment 6 of 12',
    ]);
  });

  test('bytes that are others when read again, and ones that are not what their name says', () => {
    const good = stagedEvidence({ entries: whole });
    const [uri, bytes] = [...good.replay.segments][3]!;
    const readAgain = new Map(good.replay.segments).set(uri, bytes.subarray(188));
    expect(violationsOf({ ...good, replay: { ...good.replay, readAgain } })).toEqual([
      `I5 bytes: ${uri} is another when read again`,
    ]);
    const playlist = good.replay.playlist.replaceAll(uri, playlistUri);
    const segments = new Map(
      [...good.replay.segments].map(([at, of]) => [at === uri ? playlistUri : at, of]),
    );
    expect(violationsOf({ ...good, replay: { playlist, segments } })).toEqual([
      `I5 bytes: ${playlistUri} does not hold what its name says`,
    ]);
  });

  test('a state that is not true', () => {
    const entries = inPlaceOf(8, gapEntry(8));
    const evidence = stagedEvidence(
      { entries, gaps: [gapOf('truncated_at_source', gapEntry(8))] },
      stagedEvents(1, ['0/8']),
    );
    const allowed = { reasons: ['truncated_at_source'] };
    expect(violationsOf({ ...evidence, allowed })).toEqual([
      'I6 honesty: the state is complete, but it states truncated_at_source',
    ]);
    expect(violationsOf(stagedEvidence({ entries: whole, state: 'incomplete' }))).toEqual([
      'I6 honesty: the state is incomplete, but no gap says why',
    ]);
    expect(violationsOf(stagedEvidence({ entries: whole, state: 'draining' }))).toEqual([
      'I8 liveness: the recording is still draining',
    ]);
  });

  test('a segment that is listed and not there, a replay without an end, and what live probers saw', () => {
    const good = stagedEvidence({ entries: whole });
    const segments = new Map([...good.replay.segments].slice(1));
    expect(violationsOf({ ...good, replay: { ...good.replay, segments } }).join()).toMatch(
      /could not be read/,
    );
    const playlist = good.replay.playlist.replace('#EXT-X-ENDLIST\n', '');
    expect(violationsOf({ ...good, replay: { ...good.replay, playlist }, live: ['U3 at reply 4'] })).toEqual([
      'I6 honesty: the finished replay has no EXT-X-ENDLIST',
      'I7 live contract: U3 at reply 4',
    ]);
  });
});

const playlistUri = '../../m/camera-0/main/103-0123456789012345678901.ts';
