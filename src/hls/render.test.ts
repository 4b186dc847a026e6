import { createRequire } from 'node:module';
import fc from 'fast-check';
import * as HLS from 'hls-parser';
import { beforeAll, describe, expect, test } from 'vitest';
import type { SegmentRecord } from '../media/segment-record.ts';
import { bytes, epochMs, seconds } from '../media/units.ts';
import { parseMediaPlaylist } from './parse.ts';
import { type MediaUrls, renderDuration, renderMediaPlaylist } from './render.ts';

const urls: MediaUrls = {
  segment: (record) => `../../m/camera-0/main/${record.sequence}-abc.ts`,
  carried: (carried) => `../../m/camera-0/main/${carried.sequence}-init.${carried.extension}`,
};

const record = (over: Partial<SegmentRecord>): SegmentRecord => ({
  sequence: 100,
  at: epochMs(Date.UTC(2026, 10, 23, 20, 8, 43, 791)),
  duration: seconds(4),
  digest: 'a'.repeat(43),
  bytes: bytes(188),
  extension: 'ts',
  discontinuity: false,
  discontinuitySequence: 0,
  targetDuration: 4,
  listFrom: 0,
  encoder: { sequence: 0, name: 'a.ts', bytes: bytes(188), modifiedAt: epochMs(0), targetDuration: 4 },
  ...over,
});

describe('a live playlist', () => {
  test('prints what its records say', () => {
    const list = [
      record({ sequence: 100 }),
      record({
        sequence: 101,
        at: epochMs(Date.UTC(2026, 10, 23, 20, 8, 47, 795)),
        duration: seconds(4.004),
        discontinuity: true,
        discontinuitySequence: 1,
        targetDuration: 5,
      }),
    ];
    expect(renderMediaPlaylist(list, urls)).toBe(`#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:5
#EXT-X-MEDIA-SEQUENCE:100
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T20:08:43.791Z
#EXTINF:4.000000,
../../m/camera-0/main/100-abc.ts
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T20:08:47.795Z
#EXTINF:4.004000,
../../m/camera-0/main/101-abc.ts
`);
  });

  test('marks media the edge never got, and then asks for version 8', () => {
    const text = renderMediaPlaylist([record({}), record({ sequence: 101, gap: 'too_large' })], urls);
    expect(text).toContain('#EXT-X-VERSION:8\n');
    expect(text).toContain('#EXT-X-GAP\n#EXTINF:4.000000,\n../../m/camera-0/main/101-abc.ts\n');
  });

  test('keeps a segment’s discontinuity number when its tag leaves the list (U6)', () => {
    const before = record({ discontinuitySequence: 6 });
    const at = record({ sequence: 101, discontinuity: true, discontinuitySequence: 7 });
    const behind = record({ sequence: 102, discontinuitySequence: 7 });
    const headerOf = (list: SegmentRecord[]) =>
      parseMediaPlaylist(renderMediaPlaylist(list, urls)).discontinuitySequence;
    expect(headerOf([before, at, behind])).toBe(6);
    expect(headerOf([at, behind])).toBe(6);
    expect(headerOf([behind])).toBe(7);
  });

  test('claims what the encoder claimed of all it lists, and begins where the newest said', () => {
    const iFrames = '#EXT-X-I-FRAMES-ONLY';
    const independent = '#EXT-X-INDEPENDENT-SEGMENTS';
    const start = '#EXT-X-START:TIME-OFFSET=-6';
    const headOf = (...heads: string[][]) => {
      const list = heads.map((head, at) => record({ sequence: 100 + at, ...(head.length > 0 && { head }) }));
      const all = renderMediaPlaylist(list, urls).split('\n');
      expect(all[1]).toBe(`#EXT-X-VERSION:${all.includes(iFrames) ? 4 : 3}`);
      return all.slice(
        5,
        all.findIndex((line) => /PROGRAM-DATE/.test(line)),
      );
    };
    expect(headOf([independent, start], [independent])).toEqual([independent]);
    expect(headOf([independent], [start])).toEqual([start]);
    expect(headOf([start, iFrames, independent], [independent, iFrames, start])).toEqual([
      independent,
      iFrames,
      start,
    ]);
    expect(headOf([], [iFrames])).toEqual([]);
  });

  test('of pictures with an init section asks for version 5 (P6)', () => {
    const map = { line: '#EXT-X-MAP:URI="{0}"' };
    const carries = [{ sequence: 1, digest: 'x', bytes: bytes(1), extension: 'ts' }];
    const text = (head: readonly string[]) => renderMediaPlaylist([record({ map, carries, head })], urls);
    expect(text(['#EXT-X-I-FRAMES-ONLY'])).toContain('#EXT-X-VERSION:5\n');
    expect(text([])).toContain('#EXT-X-VERSION:6\n');
  });

  test('is never empty', () => {
    expect(() => renderMediaPlaylist([], urls)).toThrow('at least one segment');
  });
});

test.each([
  [4, '4.000000'],
  [2.021333, '2.021333'],
  [1.9600000381469727, '1.960000'],
  [0, '0.000000'],
  [1e-7, '0.000000'],
  [600, '600.000000'],
  // 2.500000 would round to 3, above a target duration of 2.
  [2.4999999, '2.499999'],
  [2.5, '2.500000'],
])('EXTINF of %d is %s', (duration, text) => {
  expect(renderDuration(seconds(duration))).toBe(text);
});

/** A live list as the edge stamps one: numbers in a row, discontinuities counted, a target duration that holds. */
const liveRecords = fc
  .record({
    first: fc.integer({ min: 0, max: 2 ** 52 }),
    at: fc.integer({ min: 0, max: 4e12 }),
    discontinuitiesBefore: fc.integer({ min: 0, max: 1e6 }),
    segments: fc.array(
      fc.record({
        duration: fc.double({ min: 0.001, max: 60, noNaN: true }),
        discontinuity: fc.boolean(),
        gap: fc.boolean(),
      }),
      { minLength: 1, maxLength: 20 },
    ),
  })
  .map(({ first, at, discontinuitiesBefore, segments }) => {
    const targetDuration = Math.max(1, ...segments.map(({ duration }) => Math.round(duration)));
    let discontinuitySequence = discontinuitiesBefore;
    return segments.map(({ duration, discontinuity, gap }, index) => {
      if (discontinuity) discontinuitySequence++;
      return record({
        sequence: first + index,
        at: epochMs(at + index * 1000),
        duration: seconds(duration),
        discontinuity,
        discontinuitySequence,
        targetDuration,
        ...(gap ? { gap: 'missing_at_source' as const } : {}),
      });
    });
  });

describe('what was printed', () => {
  test('is read back', () => {
    fc.assert(
      fc.property(liveRecords, (list) => {
        const playlist = parseMediaPlaylist(renderMediaPlaylist(list, urls));
        expect(playlist).toMatchObject({
          targetDuration: list[0]!.targetDuration,
          mediaSequence: list[0]!.sequence,
          endList: false,
        });
        let discontinuitySequence = playlist.discontinuitySequence;
        playlist.segments.forEach((segment, index) => {
          const one = list[index]!;
          if (segment.discontinuity) discontinuitySequence++;
          expect(discontinuitySequence).toBe(one.discontinuitySequence);
          expect(segment).toMatchObject({
            sequence: one.sequence,
            uri: urls.segment(one),
            programDateTime: one.at,
            discontinuity: one.discontinuity,
            gap: one.gap !== undefined,
            tags: [],
          });
          expect(Math.abs(segment.duration - one.duration)).toBeLessThan(1e-6);
          expect(Math.round(segment.duration)).toBeLessThanOrEqual(one.targetDuration);
        });
        expect(playlist.segments).toHaveLength(list.length);
      }),
      { numRuns: 200 },
    );
  });

  beforeAll(() => HLS.setOptions({ strictMode: true }));

  test('is read alike by hls-parser, in strict mode', () => {
    fc.assert(
      fc.property(liveRecords, (list) => {
        const playlist = HLS.parse(renderMediaPlaylist(list, urls)) as HLS.types.MediaPlaylist;
        expect(playlist.isMasterPlaylist).toBe(false);
        expect(playlist.targetDuration).toBe(list[0]!.targetDuration);
        expect(playlist.endlist).toBe(false);
        expect(
          playlist.segments.map((segment) => ({
            sequence: segment.mediaSequenceNumber,
            at: segment.programDateTime?.getTime(),
            discontinuity: segment.discontinuity ?? false,
            discontinuitySequence: segment.discontinuitySequence,
            gap: segment.gap ?? false,
            uri: segment.uri,
          })),
        ).toEqual(list.map(said));
      }),
      { numRuns: 100 },
    );
  });

  test('is read alike by m3u8-parser, which does not know EXT-X-GAP', () => {
    fc.assert(
      fc.property(liveRecords, (list) => {
        const parser = new Parser();
        parser.push(renderMediaPlaylist(list, urls));
        parser.end();
        const { manifest } = parser;
        expect(manifest.targetDuration).toBe(list[0]!.targetDuration);
        expect(
          manifest.segments.map((segment, index) => ({
            sequence: manifest.mediaSequence + index,
            at: segment.dateTimeObject.getTime(),
            discontinuity: segment.discontinuity ?? false,
            discontinuitySequence: segment.timeline,
            uri: segment.uri,
          })),
        ).toEqual(list.map((one) => ({ ...said(one), gap: undefined })));
      }),
      { numRuns: 100 },
    );
  });
});

const said = (one: SegmentRecord) => ({
  sequence: one.sequence,
  at: one.at,
  discontinuity: one.discontinuity,
  discontinuitySequence: one.discontinuitySequence,
  gap: one.gap !== undefined,
  uri: urls.segment(one),
});

/** m3u8-parser comes without types; these are of what is used here. */
const { Parser }: { Parser: new () => M3u8Parser } = createRequire(import.meta.url)('m3u8-parser');
type M3u8Parser = {
  push(text: string): void;
  end(): void;
  readonly manifest: {
    readonly targetDuration: number;
    readonly mediaSequence: number;
    readonly segments: readonly {
      readonly uri: string;
      readonly dateTimeObject: Date;
      readonly timeline: number;
      readonly discontinuity?: boolean;
    }[];
  };
};
