import { createRequire } from 'node:module';
import fc from 'fast-check';
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

/** m3u8-parser comes without types; these are of what is used here. */
const { Parser }: { Parser: new () => M3u8Parser } = createRequire(import.meta.url)('m3u8-parser');
type M3u8Parser = {
  push(text: string): void;
  end(): void;
  readonly manifest: {
    readonly endList: boolean;
    readonly playlistType: string;
    readonly mediaSequence: number;
    readonly segments: readonly { readonly discontinuity?: boolean }[];
  };
};

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

test('what the encoder claimed of all segments stands in the list; where it said to begin does not', async () => {
  const claims = { head: ['#EXT-X-INDEPENDENT-SEGMENTS', '#EXT-X-START:TIME-OFFSET=-3'] };
  const ended: CatalogRecording = { ...recording, ended: 'settled' };
  const playlist = new ReplayPlaylist();
  const rows = [row(5, claims), row(6, claims)];
  const text = (await textOf(playlist, ended, rows))!;
  expect(text).toContain('#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-PROGRAM');
  expect(text.match(/#EXT-X-START.*/g)).toEqual(['#EXT-X-START:TIME-OFFSET=1.500,PRECISE=YES']);
  expect(await textOf(playlist, ended, [...rows, row(7)])).not.toContain('INDEPENDENT');
});

test('a segment whose object is lost is a gap in the list from then on, also in the middle of one that has ended', async () => {
  const playlist = new ReplayPlaylist();
  const ended: CatalogRecording = { ...recording, ended: 'settled' };
  const rows = [5, 6, 7].map((sequence) => row(sequence));
  const before = (await textOf(playlist, ended, rows))!;
  expect(before).not.toContain('EXT-X-GAP');
  const lost = row(6, { ...rows[1]!.record, gap: 'object_lost' });
  const after = (await textOf(playlist, ended, [rows[0]!, lost, rows[2]!]))!;
  expect(after).toContain('#EXT-X-GAP\n#EXTINF:2.000000,\n../../m/camera-0/main/6-');
  expect(await textOf(playlist, ended, rows)).toBe(before);
});

test('of two lists that are made at once the later one stays', async () => {
  const playlist = new ReplayPlaylist();
  const many = Array.from({ length: 20_000 }, (_, index) => row(index + 6));
  const longer = playlist.of(recording, many);
  const ended = playlist.of({ ...recording, ended: 'settled' }, many);
  await Promise.all([longer, ended]);
  const shown = await playlist.of({ ...recording, ended: 'settled' }, many);
  expect(shown).toBe(await ended);
  expect(shown!.text.toString()).toContain('ENDLIST');
});

test('two viewers who ask at once have the list made once', async () => {
  const playlist = new ReplayPlaylist();
  const rows = [row(5), row(6)];
  const [one, other] = await Promise.all([playlist.of(recording, rows), playlist.of(recording, rows)]);
  expect(one).toBe(other);
});

test('whatever is settled when, the list only grows, and hls-parser and m3u8-parser read it alike', async () => {
  const made = fc.array(fc.record({ skip: fc.nat(2), isGap: fc.boolean(), breaks: fc.boolean() }), {
    minLength: 1,
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(made, fc.array(fc.nat(40_000), { maxLength: 5 }), async (segments, settledAt) => {
      let sequence = 4;
      const rows = segments.map(({ skip, isGap, breaks }) => {
        sequence += 1 + skip;
        return row(sequence, { discontinuity: breaks, ...(isGap && { gap: 'missing_at_source' as const }) });
      });
      const playlist = new ReplayPlaylist();
      let before = '';
      for (const settled of settledAt.sort((a, b) => a - b)) {
        const now = { ...recording, settledUntil: epochMs(settled) };
        const text = await textOf(playlist, now, rows);
        if (text === undefined) continue;
        expect(text.startsWith(before)).toBe(true);
        before = text;
      }
      const whole = (await textOf(playlist, { ...recording, ended: 'settled' }, rows))!;
      expect(whole.startsWith(before)).toBe(true);
      HLS.setOptions({ strictMode: true });
      const strict = HLS.parse(whole) as unknown as { segments: { discontinuity: boolean }[] };
      const parser = new Parser();
      parser.push(whole);
      parser.end();
      const { manifest } = parser;
      expect([strict.segments.length, manifest.segments.length]).toEqual([rows.length, rows.length]);
      expect([manifest.endList, manifest.playlistType, manifest.mediaSequence]).toEqual([true, 'EVENT', 0]);
      const breaks = rows.map(
        ({ record }, index) =>
          index > 0 && (record.discontinuity || rows[index - 1]!.record.sequence + 1 !== record.sequence),
      );
      expect(strict.segments.map(({ discontinuity }) => discontinuity === true)).toEqual(breaks);
      expect(manifest.segments.map(({ discontinuity }) => discontinuity === true)).toEqual(breaks);
    }),
    { seed: 20_261_124, numRuns: 200 },
  );
});
