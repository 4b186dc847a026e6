import { describe, expect, test } from 'vitest';
import { recordForTest } from '../media/record-for-test.ts';
import type { SegmentRecord } from '../media/segment-record.ts';
import { bytes } from '../media/units.ts';
import { type MediaUrls, renderMediaPlaylist } from './render.ts';

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
