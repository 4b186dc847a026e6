import HLS from 'hls-parser';
import { expect, test } from 'vitest';
import type { CatalogRecording, CatalogSegment } from '../../catalog/catalog.ts';
import { recordForTest } from '../../media/record-for-test.ts';
import type { SegmentRecord } from '../../media/segment-record.ts';
import { epochMs } from '../../media/units.ts';
import { ReplayPlaylist, settledPrefix } from './replay-playlist.ts';

const recording = { from: epochMs(11_500), settledUntil: epochMs(11_500) } as CatalogRecording;
const row = (sequence: number, change: Partial<SegmentRecord> = {}): CatalogSegment => ({
  source: 'camera-0',
  rendition: 'main',
  record: recordForTest(sequence, change),
  key: 'k',
});
const textOf = async (playlist: ReplayPlaylist, of: CatalogRecording, rows: readonly CatalogSegment[]) =>
  (await playlist.of(of, settledPrefix(of, rows)))?.text.toString();

test('the list of a recording that goes on shows what is settled, and only grows until it ends', async () => {
  const playlist = new ReplayPlaylist();
  const rows = [5, 6, 7, 8].map((sequence) => row(sequence));
  expect(await textOf(playlist, { ...recording, settledUntil: epochMs(0) }, rows)).toBeUndefined();
  let before = '';
  for (const settled of [11_000, 13_000, 15_000, 18_000]) {
    const text = (await textOf(playlist, { ...recording, settledUntil: epochMs(settled) }, rows))!;
    expect(text.startsWith(before)).toBe(true);
    expect(text.length).toBeGreaterThan(before.length);
    expect(text).not.toContain('ENDLIST');
    before = text;
  }
  const ended = (await textOf(playlist, { ...recording, ended: 'settled' }, rows))!;
  expect(ended).toBe(`${before}#EXT-X-ENDLIST\n`);
  expect(ended).toContain('#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-START:TIME-OFFSET=1.500,PRECISE=YES\n');
  HLS.setOptions({ strictMode: true });
  const judged = HLS.parse(ended) as unknown as { segments: { uri: string }[]; endlist: boolean };
  expect(judged.endlist).toBe(true);
  expect(judged.segments.map(({ uri }) => uri)[0]).toMatch(/^\.\.\/\.\.\/m\/camera-0\/main\/5-d{2,}/);
});

test('what does not follow carries EXT-X-DISCONTINUITY; what was never got is a gap; the first breaks from nothing', async () => {
  const rows = [
    row(5, { discontinuity: true }),
    row(6, { gap: 'missing_at_source' }),
    row(7, { discontinuity: true }),
    row(1_000, { at: epochMs(16_000) }),
    row(1_001, { at: epochMs(18_000) }),
  ];
  const text = (await textOf(new ReplayPlaylist(), { ...recording, ended: 'settled' }, rows))!;
  const story = text
    .split('\n')
    .filter((line) => /^(#EXT-X-DISCONTINUITY|#EXT-X-GAP|\.\.)/.test(line))
    .map((line) => (line.startsWith('..') ? /\/(\d+)-/.exec(line)![1] : line));
  expect(story).toEqual([
    ...['5', '#EXT-X-GAP', '6', '#EXT-X-DISCONTINUITY', '7'],
    ...['#EXT-X-DISCONTINUITY', '1000', '1001'],
  ]);
});
