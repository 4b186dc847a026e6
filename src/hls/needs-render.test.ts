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

  const bitrates = (...list: readonly SegmentRecord[]) =>
    render(...list).filter((line) => /BITRATE|^\d/.test(line));

  test('a bit rate stands first in a list and where it changes, wherever the list begins', () => {
    const [a, b, c, d] = [500, 500, 700, 700].map((rate, at) =>
      recordForTest(7 + at, { tags: [`#EXT-X-BITRATE:${rate}`] }),
    );
    const [at500, at700] = ['#EXT-X-BITRATE:500', '#EXT-X-BITRATE:700'];
    expect(bitrates(a!, b!, c!, d!)).toEqual([at500, '7.m4s', '8.m4s', at700, '9.m4s', '10.m4s']);
    expect(bitrates(b!, c!, d!)).toEqual([at500, '8.m4s', at700, '9.m4s', '10.m4s']);
    expect(bitrates(d!)).toEqual([at700, '10.m4s']);
  });

  test('behind a bit rate that does not cover it a segment has its own, and a gap has none', () => {
    const rate = recordForTest(7, { tags: ['#EXT-X-BITRATE:500'] });
    const plain = { bytes: bytes(100_000), own: { digest: 'own', bytes: bytes(90_000) }, carries: [init] };
    const lost = recordForTest(8, { gap: 'missing_at_source' });
    expect(bitrates(rate, lost, recordForTest(9, plain), recordForTest(10, plain))).toEqual([
      ...['#EXT-X-BITRATE:500', '7.m4s', '8.m4s', '#EXT-X-BITRATE:360', '9.m4s', '10.m4s'],
    ]);
    expect(bitrates(lost, recordForTest(9, plain))).toEqual(['8.m4s', '9.m4s']);
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
