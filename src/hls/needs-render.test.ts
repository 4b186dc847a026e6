import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { recordForTest } from '../media/record-for-test.ts';
import type { SegmentRecord } from '../media/segment-record.ts';
import { bytes } from '../media/units.ts';
import { parseMediaPlaylist } from './parse.ts';
import { type MediaUrls, renderMediaPlaylist } from './render.ts';
import { withNeeds } from './segment-needs.ts';

const urls: MediaUrls = {
  segment: ({ sequence }) => `${sequence}.m4s`,
  carried: ({ digest, extension }) => `${digest}.${extension}`,
};
const init = { sequence: 5, digest: 'init', bytes: bytes(800), extension: 'mp4' };
const key = { sequence: 5, digest: 'key', bytes: bytes(16), extension: 'key' };
const mapLine = '#EXT-X-MAP:URI="{0}"';
const keyLine = '#EXT-X-KEY:METHOD=AES-128,URI="{1}",IV=0x01';
const render = (...list: readonly SegmentRecord[]) =>
  renderMediaPlaylist(list, urls).split('\n').slice(5, -1);

describe('what segments need', () => {
  test('stands before the first one, and before one that needs something else', () => {
    const plain = { carries: [init], map: { line: mapLine } };
    expect(
      render(
        recordForTest(7, plain),
        recordForTest(8, plain),
        recordForTest(9, { carries: [key, init], map: { line: '#EXT-X-MAP:URI="{1}"' } }),
      ).filter((line) => line.startsWith('#EXT-X-MAP')),
    ).toEqual(['#EXT-X-MAP:URI="init.mp4"']);
  });

  test('a clear map before an encrypted segment, METHOD=NONE before a clear one', () => {
    const encrypted = { carries: [init, key], map: { line: mapLine }, keys: [keyLine] };
    const needs = render(
      recordForTest(7, encrypted),
      recordForTest(8, { carries: [init], map: { line: mapLine } }),
      recordForTest(9, encrypted),
    ).filter((line) => /^#EXT-X-(MAP|KEY)/.test(line));
    const written = '#EXT-X-KEY:METHOD=AES-128,URI="key.key",IV=0x01';
    expect(needs).toEqual(['#EXT-X-MAP:URI="init.mp4"', written, '#EXT-X-KEY:METHOD=NONE', written]);
  });

  test('a map that is encrypted itself stands under its own key', () => {
    const record = {
      carries: [init, key],
      map: { line: mapLine, keys: [keyLine] },
      keys: [keyLine.replace('0x01', '0x02')],
    };
    const needs = render(recordForTest(7, record), recordForTest(8, record)).filter((line) =>
      /^#EXT-X-(MAP|KEY)/.test(line),
    );
    expect(needs.map((line) => /IV=(\S+)/.exec(line)?.[1] ?? 'map')).toEqual(['0x01', 'map', '0x02']);
  });

  test('a date range stands before the first segment that is told of it, tags before theirs', () => {
    const range = '#EXT-X-DATERANGE:ID="1"';
    const lines = render(
      recordForTest(7, { ranges: [range] }),
      recordForTest(8, { ranges: [range], tags: ['#EXT-X-CUE-IN', '# so'] }),
      recordForTest(9),
    ).filter((line) => /^#(EXT-X-(DATE|CUE)| )/.test(line));
    expect(lines).toEqual([range, '#EXT-X-CUE-IN', '# so']);
  });
});

const attribute = fc.stringMatching(/^[A-Z]{1,8}$/).map((name) => `X-${name}=1`);
const keyOf = (format: string) =>
  fc
    .record({ iv: fc.integer({ min: 1, max: 15 }), more: fc.uniqueArray(attribute, { maxLength: 2 }) })
    .map(
      ({ iv, more }) =>
        `#EXT-X-KEY:${['METHOD=AES-128', 'URI="{1}"', `KEYFORMAT="${format}"`, `IV=0x${iv}`, ...more].join(',')}`,
    );
const keys = fc
  .uniqueArray(fc.constantFrom('identity', 'one', 'two'), { maxLength: 3 })
  .chain((formats) => fc.tuple(...formats.map(keyOf)));
const lines = (start: string) =>
  fc.array(
    fc.stringMatching(/^[A-Z-]{1,9}(:[a-z "=,]{0,9}[a-z])?$/).map((text) => start + text),
    { maxLength: 3 },
  );
const needs = fc.record({
  map: fc.option(fc.record({ line: fc.constantFrom(mapLine, '#EXT-X-MAP:URI="{1}"'), keys }), {
    nil: undefined,
  }),
  keys,
  tags: lines('#EXT-X-OWN-'),
});

test('what was rendered is read again as it was, whatever came before it', () => {
  fc.assert(
    fc.property(fc.array(needs, { minLength: 1, maxLength: 8 }), (all) => {
      // A map is in force until the next: a list that had one never goes without.
      let map: (typeof all)[number]['map'];
      const records = all.map((one, at) => {
        map = one.map ?? map;
        const { tags } = one;
        return recordForTest(at, {
          carries: [init, key],
          ...(map && { map }),
          keys: one.keys,
          ...(tags.length > 0 && { tags }),
        });
      });
      const again = withNeeds(parseMediaPlaylist(renderMediaPlaylist(records, urls)));
      for (const [at, record] of records.entries()) {
        const named = (line: string) =>
          line.replace('URI="{0}"', 'URI="{}"').replace('URI="{1}"', 'URI="{}"');
        const read = again[at]!;
        expect([...(read.keys ?? [])].map(({ line }) => line).sort()).toEqual(
          [...(record.keys ?? [])].map(named).sort(),
        );
        expect(read.map?.line).toEqual(record.map && named(record.map.line));
        expect([...(read.map?.keys ?? [])].map(({ line }) => line).sort()).toEqual(
          [...(record.map?.keys ?? [])].map(named).sort(),
        );
        expect(read.tags).toEqual(record.tags ?? []);
      }
    }),
    { numRuns: 10_000 },
  );
});
